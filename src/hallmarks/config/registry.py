"""The registry is the folder: what the configuration calls by name is a module, imported where it is used.

`optimizer: {name: sgd, …}` takes its type from `Settings` of `hallmarks.optimizers.sgd`; a file more in that
folder is a name more in the configuration, and no other module changes.
"""

import difflib
import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import PydanticCustomError, core_schema

from hallmarks.config.strict import Strict
from hallmarks.errors import UserError


@cache
def names_in(package: str) -> list[str]:
    path = importlib.import_module(package).__path__
    return sorted(found.name.replace("_", "-") for found in pkgutil.iter_modules(path))


@dataclass(frozen=True)
class Registry:
    """The modules of `package`, each a `noun`; `key` is where settings say which, else it is `default`."""

    package: str
    noun: str
    key: str = "name"
    default: str | None = None

    def names(self) -> list[str]:
        """Every name, sorted: that of the module with hyphens."""
        return names_in(self.package)

    def module_name(self, name: str) -> str:
        """The module of a name, `hallmarks.optimizers.sgd`. Raises UserError for a name that is none."""
        if name in (names := self.names()):
            return f"{self.package}.{name.replace('-', '_')}"
        near = difflib.get_close_matches(str(name), names, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(names)}"
        raise UserError(f"no {self.noun} is called '{name}'; {hint}")

    def __getitem__(self, name: str) -> ModuleType:
        return importlib.import_module(self.module_name(name))

    def validate(self, value: Any) -> Strict:
        """Settings of the type that their name asks for."""
        if isinstance(value, Strict):
            value = value.model_dump()
        if isinstance(value, dict) and self.default is not None:
            value = {self.key: self.default} | value
        if not isinstance(value, dict) or self.key not in value:
            raise ValueError(f"is a mapping with a '{self.key}', one of {', '.join(self.names())}")
        try:
            return self[value[self.key]].Settings.model_validate(value)
        except UserError as error:
            raise ValueError(str(error)) from None
        except ValidationError as error:
            raise PydanticCustomError("nested", "{errors}", {"errors": error.errors()}) from None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> dict:
        return core_schema.no_info_plain_validator_function(
            self.validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value, info: value.model_dump(exclude_defaults=info.exclude_defaults), info_arg=True
            ),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict:
        kinds = []
        for name in self.names():
            kind = handler(self[name].Settings.__pydantic_core_schema__)
            if name != self.default:  # else the first kind that could do without its name would fit
                kind["required"] = [*{self.key: None, **dict.fromkeys(kind.get("required", []))}]
            kinds.append(kind)
        return {"anyOf": kinds}
