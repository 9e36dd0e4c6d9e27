//! The file of the Unix socket: its owner's alone from the first moment on, taken over from a process that has died,
//! never from one that lives, and gone at the end.
//!
//! Not here: connections (`entrance.rs`), and what their callers may (`authorise.rs`).

use crate::options::ServeError;
use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A socket that is listened on; dropping it takes the file away.
pub(crate) struct Socket {
    pub(crate) listener: UnixListener,
    pub(crate) file: File,
}

/// The file, as long as it is still the one that was made here.
pub(crate) struct File {
    path: PathBuf,
    made: (u64, u64),
}

impl Socket {
    /// Listens at `path`.
    pub(crate) fn open(path: &Path) -> Result<Self, ServeError> {
        let refused = |why| ServeError::Socket {
            path: path.to_owned(),
            why,
        };
        free(path).map_err(refused)?;
        let listener = listen(path).map_err(|error| refused(error.to_string()))?;
        let made = identity(path).map_err(|error| refused(error.to_string()))?;
        let path = path.to_owned();
        Ok(Self {
            listener,
            file: File { path, made },
        })
    }
}

/// Whether the place is free, or only a dead process's file stands there.
fn free(path: &Path) -> Result<(), String> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.to_string()),
        Ok(there) if !there.file_type().is_socket() => {
            return Err("something that is no socket stands there; it is left alone".to_owned());
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => Err("another process listens on it".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            tracing::info!(path = %path.display(), "taking the place of a socket whose process has died");
            Ok(())
        }
        Err(error) => Err(format!(
            "a socket stands there, and nobody can tell whose: {error}"
        )),
    }
}

/// Made in a folder that nobody else can enter and moved from there: at no moment does it stand open to others.
fn listen(path: &Path) -> io::Result<UnixListener> {
    let folder = path.with_extension(std::process::id().to_string());
    DirBuilder::new().mode(0o700).create(&folder)?;
    let inside = folder.join("s");
    let made = UnixListener::bind(&inside).and_then(|listener| {
        listener.set_nonblocking(true)?;
        std::fs::set_permissions(&inside, Permissions::from_mode(0o600))?;
        std::fs::rename(&inside, path)?;
        Ok(listener)
    });
    if made.is_err() {
        let _ = std::fs::remove_file(&inside);
    }
    std::fs::remove_dir(&folder)?;
    made
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let there = std::fs::symlink_metadata(path)?;
    Ok((there.dev(), there.ino()))
}

impl Drop for File {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|there| there == self.made)
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "the socket's file stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_its_owners_alone_and_goes_with_the_listener() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plimsolld.sock");
        let socket = Socket::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(UnixStream::connect(&path).is_ok());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn a_dead_process_is_succeeded_and_a_living_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plimsolld.sock");
        drop(UnixListener::bind(&path).unwrap());
        let living = Socket::open(&path).unwrap();
        let text = |refused: Option<ServeError>| refused.map(|error| error.to_string()).unwrap_or_default();
        let refused = text(Socket::open(&path).err());
        assert!(refused.starts_with("grpc.socket: cannot listen on "), "{refused}");
        assert!(refused.ends_with("another process listens on it"), "{refused}");
        drop(living);
        std::fs::write(&path, "mine").unwrap();
        let refused = text(Socket::open(&path).err());
        assert!(refused.contains("no socket"), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    }

    #[test]
    fn the_file_of_a_successor_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plimsolld.sock");
        let first = Socket::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let second = Socket::open(&path).unwrap();
        drop(first);
        assert!(UnixStream::connect(&path).is_ok());
        drop(second);
    }
}
