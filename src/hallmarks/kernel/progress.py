"""How far a pass over the checkpoints is."""

import sys
import time

from tqdm import tqdm


class Progress:
    """A bar with GB/s and time left on a terminal, a line each half minute in a log."""

    def __init__(self, total: int):
        self.bar = tqdm(
            total=total,
            unit="B",
            unit_scale=True,
            desc="kernel",
            disable=None if sys.stderr.isatty() else True,
        )
        self.total, self.done, self.start = total, 0, time.monotonic()
        self.said = self.start

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def add(self, count: int) -> None:
        self.done += count
        self.bar.update(count)
        now = time.monotonic()
        if self.bar.disable and now - self.said > 30:
            rate = self.done / (now - self.start)
            left = (self.total - self.done) / rate
            print(
                f"kernel: {self.done / 1e9:.1f} of {self.total / 1e9:.1f} GB, "
                f"{rate / 1e9:.2f} GB/s, {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )
            self.said = now
