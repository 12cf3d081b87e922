"""Client packages of others for tests: installed once into build/sdk, by pip into an
environment of its own or by npm; without network or installer the test is skipped.

    sdk.python("openai==3.54.0")        goes on in a Python that has it
    folder = sdk.node("openai@6.49.0")  what NODE_PATH and imports need
"""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(sys.argv[1])), "sdk")
INSTALL_S = 120
SKIPPED = 77


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def run(*command):
    """None, or what went wrong."""
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=INSTALL_S, text=True,
                                errors="replace")
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if result.returncode == 0 else result.stdout.strip().splitlines()[-1:]


def installed(kind, packages, *commands):
    """The folder with the packages; commands make it, {} stands for it."""
    name = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:12]
    folder = os.path.join(FOLDER, f"{kind}-{name}")
    os.makedirs(FOLDER, exist_ok=True)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(os.path.join(folder, "complete")):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        for command in commands:
            wrong = run(*(word.replace("{}", folder) for word in command), *(
                packages if command is commands[-1] else ()))
            if wrong:
                skip(f"{' '.join(packages)} cannot be installed: {wrong}")
        with open(os.path.join(folder, "complete"), "w"):
            pass
    return folder


def python(*packages):
    if os.environ.get("TIEFSEE_SDK") == " ".join(packages):
        return
    folder = installed("python", packages, (sys.executable, "-m", "venv", "{}"),
                       ("{}/bin/python", "-m", "pip", "install", "-q",
                        "--disable-pip-version-check"))
    os.environ["TIEFSEE_SDK"] = " ".join(packages)
    program = os.path.join(folder, "bin/python")
    os.execv(program, [program] + sys.argv)


def node(*packages):
    if not shutil.which("node") or not shutil.which("npm"):
        skip("there is no node, or no npm")
    return installed("node", packages, ("mkdir", "{}"),
                     ("npm", "install", "--prefix", "{}", "--ignore-scripts", "--no-audit",
                      "--no-fund", "--no-save"))
