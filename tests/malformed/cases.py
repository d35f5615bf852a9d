# SPDX-License-Identifier: MIT
"""A case: files, a command, and how it must end."""
from dataclasses import dataclass, field
from typing import Callable, Optional


@dataclass
class Case:
    name: str
    status: int  # of the program
    message: str  # regular expression; found in what is printed
    files: dict = field(default_factory=dict)  # path below the scratch folder: bytes
    model: str = "m.onnx"
    command: Optional[list] = None  # ["check", MODEL] if not given
    stdin: Optional[str] = None  # a path below the scratch folder
    prepare: Optional[Callable] = None  # called with the scratch folder
    valid: Optional[Callable] = None  # called with standard output; raises ValueError if it is not
    one_line: bool = True  # exactly one line on stderr, nothing on stdout

    def arguments(self):
        return self.command if self.command is not None else ["check", self.model]
