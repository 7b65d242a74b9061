# Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
"""Has CMake build the extension; everything else stands in pyproject.toml.

    pip install .                                               with PyPI
    pip install --no-build-isolation --no-deps --no-index .     with a distribution's packages alone
"""

import os
import pathlib
import re
import subprocess
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

TOP = pathlib.Path(__file__).resolve().parent


def version():
    text = (TOP / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"project\(distillwatch VERSION ([0-9.]+)", text)[1]


class CMakeBuild(build_ext):
    def build_extension(self, ext):
        build = pathlib.Path(self.build_temp).resolve() / "cmake"
        build.mkdir(parents=True, exist_ok=True)
        options = [
            "-DCMAKE_BUILD_TYPE=Release",
            "-DDISTILLWATCH_BUILD_PYTHON=ON",
            "-DDISTILLWATCH_BUILD_PROGRAM=OFF",
            "-DDISTILLWATCH_INSTALL=OFF",
            f"-DPython_EXECUTABLE={sys.executable}",
        ]
        options += os.environ.get("DISTILLWATCH_CMAKE_ARGS", "").split()
        jobs = str(self.parallel or os.cpu_count() or 1)
        subprocess.check_call(["cmake", "-S", str(TOP), "-B", str(build), *options])
        subprocess.check_call(
            ["cmake", "--build", str(build), "--parallel", jobs, "--target", "distillwatch_python"]
        )
        target = pathlib.Path(self.get_ext_fullpath(ext.name)).resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        self.copy_file(str(build / "python" / "distillwatch" / target.name), str(target))


setup(
    version=version(),
    ext_modules=[Extension("distillwatch._core", sources=[])],
    cmdclass={"build_ext": CMakeBuild},
)
