"""Makes `.venv` fit the locks: what `make` runs before anything else.

Run as `python3 .ci/venv.py runtime|dev` by any Python from 3.11 on, with nothing installed. Every package is
installed by its recorded hash, then the project itself (editable). A stamp holds a digest of all that went in, so
a second call costs one look, and a changed lock is noticed by content, not by a file's date.

Kept to the standard library and to syntax that an older Python can at least read: it is the one that must say so.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "counterfoil.stamp"
#: `dev` holds everything that `runtime` holds, so it serves for both.
LOCKS = {"runtime": "requirements.lock", "dev": "requirements-dev.lock"}


class SetupFailed(Exception):
    """The environment could not be made; the message says what to do."""


def say(text):
    """One line of progress."""
    sys.stdout.write(f"» {text}\n")
    sys.stdout.flush()


def newer_python():
    """A suitable interpreter on the PATH, for when this one is too old."""
    for name in ("python3.13", "python3.12", "python3.11", "python3.14"):
        path = shutil.which(name)
        # A version manager's shim exists without there being anything behind it: ask it.
        if path and version_of(path) >= OLDEST:
            return path
    raise SetupFailed(
        f"Counterfoil needs Python 3.11 or newer; this is {sys.version.split()[0]}. Install one and name it: "
        "make PYTHON=/path/to/python3.12"
    )


def version_of(python):
    """(major, minor) of an interpreter; (0, 0) when it does not run."""
    ask = [str(python), "-c", "import sys; print('%d %d' % sys.version_info[:2])"]
    try:
        answer = subprocess.check_output(ask, stderr=subprocess.DEVNULL)  # noqa: S603 - no outside input
    except (OSError, subprocess.CalledProcessError):
        return (0, 0)
    return tuple(int(part) for part in answer.split())


def digest_of(level):
    """What the stamp of a level says: everything that decides what is installed, and where."""
    inputs = [(ROOT / LOCKS[level]).read_bytes(), (ROOT / "pyproject.toml").read_bytes(), str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(inputs)).hexdigest()


def is_ready(level, version):
    """Whether `.venv` holds this level already, made with this version of Python."""
    try:
        lines = STAMP.read_text().splitlines()
    except OSError:
        return False
    done = any(f"{each} {digest_of(each)}" in lines for each in (level, "dev"))
    return done and version_of(VENV / "bin" / "python") == version


def make_venv(python, version):
    """Make the environment anew, unless there is one of this version that runs."""
    if version_of(VENV / "bin" / "python") == version:
        return
    say(f"making .venv with Python {version[0]}.{version[1]}")
    shutil.rmtree(VENV, ignore_errors=True)
    command = [python, "-m", "venv", str(VENV)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no outside input
    if done.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetupFailed(
            "python -m venv failed (on Debian and Ubuntu: apt install python3-venv):\n"
            + (done.stdout + done.stderr).strip()
        )


def pip(*arguments):
    """Run the environment's pip, passing each line of its output on."""
    command = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    process = subprocess.Popen(  # noqa: S603 - no outside input
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    )
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        yield line
    if process.wait():
        raise SetupFailed("pip could not install:\n" + "\n".join(lines[-15:]))


def install_packages(lock):
    """Install what the lock names, saying how far it is."""
    packages = len(re.findall(r"(?m)^[A-Za-z0-9][\w.-]*==", (ROOT / lock).read_text()))
    say(f"installing {packages} packages from {lock} (once; half a minute or so)")
    seen = 0
    # The lock is complete and each file in it is named by hash: nothing is left for pip to resolve.
    for line in pip("--require-hashes", "--no-deps", "--progress-bar", "off", "-r", lock):
        if line.startswith(("Collecting ", "Processing ", "Requirement already satisfied")):
            seen += 1
            if seen % 20 == 0:
                say(f"  {seen} of {packages}")
        elif line.startswith("Installing collected packages"):
            say("  unpacking")


def install_project():
    """Install Counterfoil itself, so that the tree is what runs."""
    # Without build isolation: setuptools comes from the lock too, not from whatever the index has today.
    for _ in pip("--quiet", "--no-deps", "--no-build-isolation", "--editable", "."):
        pass


def main(level):
    """Make `.venv` hold a level; returns at once when it does already."""
    version = sys.version_info[:2]
    if is_ready(level, version):
        return
    handle = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)  # `make demo` and `make test` may be started side by side
    if is_ready(level, version):
        return
    # Inside a virtual environment (perhaps the very one about to be made anew): the one that it was made of.
    make_venv(getattr(sys, "_base_executable", None) or sys.executable, version)
    STAMP.unlink(missing_ok=True)
    install_packages(LOCKS[level])
    install_project()
    STAMP.write_text(f"{level} {digest_of(level)}\n")
    say("ready")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        sys.exit("usage: python3 .ci/venv.py runtime|dev")
    try:
        if sys.version_info < OLDEST:
            newer = newer_python()
            os.execv(newer, [newer, *sys.argv])  # noqa: S606 - the same file, by a Python that can do it
        main(sys.argv[1])
    except SetupFailed as failure:
        sys.exit(f"» {failure}")
    except KeyboardInterrupt:
        sys.exit("» stopped; start again whenever you like")
