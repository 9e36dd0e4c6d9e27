//! Reading: records of a segment file, or of all segments of a folder, oldest first.

use crate::codec::{NoRecord, Unpacker, unpack_component, unpack_ending};
use crate::error::LogError;
use crate::frame::{Frame, HEAD, HEADER, Header, Kind, NoFrame};
use crate::record::{CycleRecord, Ending, RECORD_VERSION};
use crate::segments;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Iterates over records, one in memory at a time. Damage is told once per segment; reading goes on with the
/// next segment. A tail that a crash has cut off is no damage.
pub struct Reader {
    waiting: VecDeque<PathBuf>,
    current: Option<Current>,
    components: BTreeMap<String, Arc<[u8]>>,
    torn: bool,
    /// What was damaged behind the record that was read last.
    damage: Option<LogError>,
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
            damage: None,
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
            if let Some(error) = self.damage.take() {
                return Some(Err(error));
            }
            if self.current.is_none()
                && let Err(error) = self.next_segment()?
            {
                return Some(Err(error));
            }
            if let Some(Part::Record(record)) = self.part() {
                return Some(Ok(self.whole(*record)));
            }
        }
    }
}

/// What a frame holds.
enum Part {
    Record(Box<CycleRecord>),
    Ending(Ending),
    Component,
}

impl Reader {
    /// The next frame of the segment. Where there is none the segment is over, and damage is kept to be told.
    fn part(&mut self) -> Option<Part> {
        let current = self.current.as_mut()?;
        let at = current.offset;
        let no = match Frame::read(&mut current.file) {
            Ok(frame) => {
                current.offset += (HEAD + frame.payload.len()) as u64;
                match current.unpack(&frame, &mut self.components) {
                    Ok(part) => return Some(part),
                    Err(no) => unreadable(&current.path, at, no),
                }
            }
            Err(no @ (NoFrame::End | NoFrame::Torn)) => {
                self.torn |= matches!(no, NoFrame::Torn);
                self.current = None;
                return None;
            }
            Err(no) => told(&current.path, at, no),
        };
        self.damage = Some(no);
        self.current = None;
        None
    }

    /// The record with its end, where that was written apart.
    fn whole(&mut self, mut record: CycleRecord) -> CycleRecord {
        if self.current.as_mut().is_some_and(Current::ends_next)
            && let Some(Part::Ending(ending)) = self.part()
        {
            ending.complete(&mut record);
        }
        record.cut_off();
        record
    }
}

impl Current {
    /// Whether the next frame tells how the record before it has ended.
    fn ends_next(&mut self) -> bool {
        self.file
            .fill_buf()
            .is_ok_and(|bytes| bytes.first() == Some(&Kind::Ending.byte()))
    }

    fn unpack(
        &mut self,
        frame: &Frame,
        components: &mut BTreeMap<String, Arc<[u8]>>,
    ) -> Result<Part, NoRecord> {
        Ok(match frame.kind {
            Kind::Component => {
                let (digest, bytes) = unpack_component(frame)?;
                components.insert(digest, bytes.into());
                Part::Component
            }
            Kind::Ending => Part::Ending(unpack_ending(frame)?),
            Kind::Key | Kind::Delta => Part::Record(Box::new(self.unpacker.unpack(frame)?)),
        })
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
