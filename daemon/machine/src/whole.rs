//! Files that are replaced as wholes: whoever reads one finds the old one or the new one, also after the machine died.
//!
//! Not here: what stands in them, and how that is held against its digest (whoever reads).

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

/// How files begin that are not finished.
const UNFINISHED: &str = ".tmp";
/// What is as old as this in a folder of several processes was left by one that was killed: none writes for so long.
pub const ABANDONED: Duration = Duration::from_hours(1);

/// Replaces a file: writes beside, syncs, renames, syncs the folder. What fails leaves the old one and nothing else.
///
/// # Errors
/// The operating system's.
pub fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(file);
    let mut new = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    new.write_all(bytes)?;
    new.as_file().set_permissions(Permissions::from_mode(0o600))?;
    new.as_file().sync_all()?;
    new.persist(file).map_err(|why| why.error)?;
    File::open(folder)?.sync_all()
}

/// Removes what writers left that were killed, where it is older than this. Clean-up only: a file that stays does no harm.
pub fn sweep(folder: &Path, older_than: Duration) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let written = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        let is_old = written.is_some_and(|at| at.elapsed().is_ok_and(|age| age > older_than));
        if is_old && entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn what_a_killed_writer_left_is_swept_and_what_is_being_written_stays() {
        let room = tempfile::tempdir().unwrap();
        let [old, new, kept] = [".tmpOld", ".tmpNew", "kept"].map(|name| room.path().join(name));
        for file in [&old, &new, &kept] {
            let written = File::create(file).unwrap();
            if *file != new {
                let long_ago = SystemTime::now().checked_sub(ABANDONED * 2).unwrap();
                written.set_modified(long_ago).unwrap();
            }
        }
        sweep(room.path(), ABANDONED);
        assert_eq!([&old, &new, &kept].map(|file| file.exists()), [false, true, true]);
        sweep(room.path(), Duration::ZERO);
        assert_eq!([old, new, kept].map(|file| file.exists()), [false, false, true]);
    }

    #[test]
    fn what_cannot_be_written_leaves_the_old_one_and_nothing_else() {
        let room = tempfile::tempdir().unwrap();
        let file = room.path().join("file");
        replace(&file, b"old").unwrap();
        fs::create_dir(room.path().join("barred")).unwrap();
        assert!(replace(&room.path().join("barred"), b"new").is_err());
        assert_eq!(fs::read(&file).unwrap(), b"old");
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 2);
    }

    const FULL: &str = "PLIMSOLL_TEST_FULL";

    /// The limit of a process on the size of its files stands for the disk: it fails the write as that does. The test runs
    /// itself once more, under that limit.
    #[test]
    fn a_disk_that_is_full_leaves_the_old_one_and_nothing_else() {
        if let Some(file) = std::env::var_os(FULL) {
            // The shell counts in blocks of 512 or of 1,024 bytes.
            for bytes in [1025, 1 << 20] {
                assert!(replace(Path::new(&file), &vec![b'n'; bytes]).is_err());
            }
            return;
        }
        let room = tempfile::tempdir().unwrap();
        let file = room.path().join("file");
        replace(&file, b"old").unwrap();
        let name = "whole::tests::a_disk_that_is_full_leaves_the_old_one_and_nothing_else";
        let script = format!("trap '' XFSZ; ulimit -f 1; exec \"$0\" --exact {name}");
        let ran = std::process::Command::new("sh")
            .args(["-c", &script])
            .arg(std::env::current_exe().unwrap())
            .env(FULL, &file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && said.contains("1 passed"), "{said}");
        assert_eq!(fs::read(&file).unwrap(), b"old");
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 1);
    }
}
