import subprocess
import sys


def test_onnxruntime_is_loaded_before_usearch_by_any_import_of_the_package():
    # usearch before onnxruntime kills the process, so this must run in one of its own.
    script = (
        "import relatum_server, sys\n"
        "assert 'onnxruntime' in sys.modules and 'usearch' not in sys.modules\n"
        "import usearch.index\n"
        "import onnxruntime\n"
        "onnxruntime.get_available_providers()\n"
        "usearch.index.Index(ndim=4, dtype='f16')\n"
        "print('alive')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr
