"""Where things are in a clone."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HOUSE = ROOT / ".linkage"
LOCAL_FILE = HOUSE / "local.json"
LOCK_FILE = HOUSE / "dev.lock"
EMULATOR_PYTHON = HOUSE / "emulator" / "bin" / "python"
CDK = ROOT / "node_modules" / ".bin" / "cdk"
