"""Which file system a path is on."""

from pathlib import Path

MOUNTS = Path("/proc/self/mounts")

_NETWORK = {
    *("afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "lustre", "ncpfs"),
    *("nfs", "nfs4", "smb3", "smbfs"),
}


def network_filesystem(path: Path, mounts: Path | None = None) -> str | None:
    """The kind of network file system that `path` is on (it need not exist yet), or None.

    Known from Linux's table of mounts; where there is none, every path counts as local.
    """
    try:
        lines = (mounts or MOUNTS).read_text(errors="replace").splitlines()
    except OSError:
        return None
    kinds = {_unescaped(line.split()[1]): line.split()[2] for line in lines}
    resolved = path.resolve()
    kind = next(kinds[str(p)] for p in (resolved, *resolved.parents) if str(p) in kinds)
    return kind if kind in _NETWORK else None


def _unescaped(mount_point: str) -> str:
    """The table writes blanks as octal escapes (man 5 fstab)."""
    return mount_point.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
