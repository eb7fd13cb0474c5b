"""Windows of a trajectory: stretches in which every step has a point, and one learning rate."""

from itertools import pairwise

from hallmarks.trajectory.reader import Point


def windows_of(points: list[Point]) -> list[list[int]]:
    """The indices of the points of each window, in order; the last of one may be the first of the next.

    A point's learning rate is that of the update that follows it, so that a window ends where it drops.
    """
    windows: list[list[int]] = []
    for index, (point, after) in enumerate(pairwise(points)):
        if after.step != point.step + 1:
            continue
        if windows and windows[-1][-1] == index and points[index - 1].learning_rate == point.learning_rate:
            windows[-1].append(index + 1)
        else:
            windows.append([index, index + 1])
    return windows
