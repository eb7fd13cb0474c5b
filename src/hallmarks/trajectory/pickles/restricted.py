"""The restricted unpickler: of what a pickle names nothing is imported, and nothing is called."""

import pickle
from typing import Any, BinaryIO

from hallmarks.errors import UserError
from hallmarks.trajectory.pickles.known import KNOWN
from hallmarks.trajectory.pickles.stand_in import StandIn, Storage

TYPES = ("float", "bfloat", "int", "uint", "bool", "complex", "quint", "qint")

# Nothing here runs them, but torch.load would: whoever has such a file should know.
HARMFUL = {
    *("os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "pty", "ctypes", "importlib", "runpy")
}
HARMFUL_BUILTINS = {"eval", "exec", "execfile", "compile", "open", "file", "__import__", "breakpoint"}


class Restricted(pickle.Unpickler):
    """Names lead to `KNOWN` or to classes that do nothing; tensors' storages are noted by their keys."""

    def __init__(self, file: BinaryIO, where: str):
        super().__init__(file, encoding="latin1")
        self.where = where
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        builtin = module in {"builtins", "__builtin__", "io", "_io"}
        if module.partition(".")[0] in HARMFUL or (builtin and name in HARMFUL_BUILTINS):
            raise UserError(
                f"{self.where}: refused: it names {module}.{name}, which could run code wherever it is "
                "loaded, and which no checkpoint needs"
            )
        if (module, name) in KNOWN:
            return KNOWN[module, name]
        if module == "torch" and name.startswith(TYPES):
            return name
        return type(name.rpartition(".")[2] or "nameless", (StandIn,), {})

    def persistent_load(self, told: Any) -> Any:
        if isinstance(told, tuple) and len(told) > 1 and told[0] == "module":  # with its source, long ago
            return told[1]
        if not (isinstance(told, tuple) and len(told) > 2 and told[0] == "storage"):
            raise pickle.UnpicklingError("it refers to what is no tensor's storage")
        dtype = told[1] if isinstance(told[1], str) else "an unknown type"
        numel = told[4] if len(told) > 4 and isinstance(told[4], int) else None
        found = Storage(str(told[2]), dtype, numel)
        self.storages.setdefault(found.key, found)
        return found


def read_pickle(file: BinaryIO, where: str, reader: "Restricted | None" = None) -> Any:
    """What the next pickle of a file holds. Raises UserError naming `where`."""
    try:
        return (reader or Restricted(file, where)).load()
    except (
        *(pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError, AttributeError),
        *(MemoryError, OverflowError, RecursionError),
    ) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{where}: cut, or not a torch checkpoint ({said})") from None
