"""The configuration's JSON schema, for editors: `make schema` prints it into workflow/schemas."""

import json

from hallmarks.config.types import Config


def schema() -> str:
    """The schema of `Config`, draft 2020-12, as the text of its file."""
    content = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Config.model_json_schema()
    for value in content["properties"].values():
        if "patternProperties" in value:  # a name of another form would pass with anything below it
            value["additionalProperties"] = False
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(schema(), end="")
