"""What every part of the configuration is made of: a type that takes the keys it names and no others."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# Names become folders and files under results/.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
# Of figures and tables, which are targets of the workflow.
Target = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Unit = Literal["epochs", "steps"]
Choices = Annotated[
    dict[str, str],
    Field(description="The reason for each value that the paper does not state; the report repeats it."),
]


class Strict(BaseModel):
    """Settings: an unknown key is an error, values do not change, and are finite."""

    # A docstring below a field is its description in the schema, which editors show.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)
