"""What kustomize makes of the overlays. `kubectl` has it built in; of `make deps` where the machine has none."""

import shutil
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
OVERLAYS = "k8s/overlays/*/kustomization.yaml"
COMPONENTS = "k8s/components/*/kustomization.yaml"


def kubectl():
    """The machine's own, or that of the tools."""
    return shutil.which("kubectl") or str(ROOT / ".tools/kubectl/bin/kubectl")


def overlays():
    """Name and resources of each overlay."""
    for file in sorted(ROOT.glob(OVERLAYS)):
        yield file.parent.name, build(file.parent)


def build(folder):
    """The resources of one folder."""
    done = subprocess.run([kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{folder}: {done.stderr.strip()}")
    return [resource for resource in yaml.safe_load_all(done.stdout) if resource]


def components_without_overlay():
    """Components that no overlay uses are never built."""
    used = set()
    for file in ROOT.glob(OVERLAYS):
        used |= {Path(name).name for name in yaml.safe_load(file.read_text(encoding="utf-8")).get("components", [])}
    return sorted({file.parent.name for file in ROOT.glob(COMPONENTS)} - used)
