"""Our configuration and that of redis-server 7.0 are alike; see compare_with_redis.py. Needs the `config_tool` of a build with
tests: ASHLAR_CONFIG_TOOL, else that of the dev preset."""
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TOOL = pathlib.Path(os.environ.get("ASHLAR_CONFIG_TOOL", HERE.parent.parent / "build" / "dev" / "bin" / "config_tool"))


def test_directives_values_errors_and_rewritten_files_are_alike():
    if not TOOL.exists():
        pytest.skip(f"{TOOL} is not built")
    done = subprocess.run([sys.executable, HERE / "compare_with_redis.py", TOOL], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
