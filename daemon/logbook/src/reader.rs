//! Reading: records of a segment file, or of all segments of a folder, oldest first.

use crate::codec::{NoRecord, Unpacker, unpack_component};
use crate::error::LogError;
use crate::frame::{Frame, HEAD, HEADER, Header, Kind, NoFrame};
use crate::record::{CycleRecord, RECORD_VERSION};
use crate::segments;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Iterates over records, one in memory at a time. Damage is told once per segment; reading goes on with the
/// next segment. A tail that a crash has cut off is no damage.
pub struct Reader {
    waiting: VecDeque<PathBuf>,
    current: Option<Current>,
    components: BTreeMap<String, Arc<[u8]>>,
    torn: bool,
}

struct Current {
    path: PathBuf,
    file: BufReader<File>,
    offset: u64,
    unpacker: Unpacker,
}

impl Reader {
    /// Opens a segment file or a folder of them.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let io = |error| LogError::io(path, error);
        let waiting: VecDeque<PathBuf> = if std::fs::metadata(path).map_err(io)?.is_dir() {
            segments::list(path)?
                .into_iter()
                .map(|segment| segment.path)
                .collect()
        } else {
            VecDeque::from([path.to_owned()])
        };
        if waiting.is_empty() {
            return Err(LogError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            waiting,
            current: None,
            components: BTreeMap::new(),
            torn: false,
        })
    }

    /// The bytes of a component, once a record that names it has been read.
    pub fn component(&self, digest: &str) -> Option<&Arc<[u8]>> {
        self.components.get(digest)
    }

    /// Whether a cut-off tail has been met.
    pub const fn torn(&self) -> bool {
        self.torn
    }

    fn next_segment(&mut self) -> Option<Result<(), LogError>> {
        loop {
            let path = self.waiting.pop_front()?;
            let mut file = match File::open(&path) {
                Ok(file) => BufReader::new(file),
                Err(error) => return Some(Err(LogError::io(&path, error))),
            };
            match Header::read(&mut file) {
                Ok(_) => {
                    self.current = Some(Current {
                        path,
                        file,
                        offset: HEADER as u64,
                        unpacker: Unpacker::default(),
                    });
                    return Some(Ok(()));
                }
                // A writer was cut off before it had written anything.
                Err(NoFrame::End | NoFrame::Torn) => self.torn = true,
                Err(no) => return Some(Err(told(&path, 0, no))),
            }
        }
    }
}

impl Iterator for Reader {
    type Item = Result<CycleRecord, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(current) = &mut self.current else {
                match self.next_segment()? {
                    Ok(()) => continue,
                    Err(error) => return Some(Err(error)),
                }
            };
            let at = current.offset;
            let frame = match Frame::read(&mut current.file) {
                Ok(frame) => frame,
                Err(NoFrame::End) => {
                    self.current = None;
                    continue;
                }
                Err(NoFrame::Torn) => {
                    self.torn = true;
                    self.current = None;
                    continue;
                }
                Err(no) => {
                    let error = told(&current.path, at, no);
                    self.current = None;
                    return Some(Err(error));
                }
            };
            current.offset += (HEAD + frame.payload.len()) as u64;
            let read = if frame.kind == Kind::Component {
                unpack_component(&frame).map(|(digest, bytes)| {
                    self.components.insert(digest, bytes.into());
                    None
                })
            } else {
                current.unpacker.unpack(&frame).map(Some)
            };
            match read {
                Ok(None) => {}
                Ok(Some(record)) => return Some(Ok(record)),
                Err(no) => {
                    let error = unreadable(&current.path, at, no);
                    self.current = None;
                    return Some(Err(error));
                }
            }
        }
    }
}

fn told(path: &Path, offset: u64, no: NoFrame) -> LogError {
    let why = match no {
        NoFrame::Io(error) => return LogError::io(path, error),
        NoFrame::Damaged(why) => why,
        NoFrame::End | NoFrame::Torn => "it ends before it begins",
    };
    LogError::Damaged {
        path: path.to_owned(),
        offset,
        why: why.to_owned(),
    }
}

fn unreadable(path: &Path, offset: u64, no: NoRecord) -> LogError {
    match no {
        NoRecord::Version(found) => LogError::Version {
            path: path.to_owned(),
            found,
            reads: format!("0 to {RECORD_VERSION}"),
        },
        NoRecord::Damaged(why) => LogError::Damaged {
            path: path.to_owned(),
            offset,
            why,
        },
    }
}
