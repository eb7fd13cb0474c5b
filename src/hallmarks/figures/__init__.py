"""Drawing, for the notebooks: panels → a picture and the numbers that it shows, in the paper's notation.

A file a kind of picture, each with `draw(panels, *, options) -> Picture`; none imports another. What they
share is in picture (what is saved), panels (what is shown) and curves (measures against time).
"""
