//! Writing: records are appended to the newest segment, segments are rotated, the oldest leave.

use crate::codec::{Packer, pack_component, pack_ending};
use crate::error::LogError;
use crate::frame::{Frame, HEAD, HEADER, Header, Kind, NoFrame};
use crate::record::CycleRecord;
use crate::segments::{self, Segment};
use model::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where and how much is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Folder of the segments; made where it is missing.
    pub folder: PathBuf,
    /// A segment of this size is full.
    pub rotate_bytes: u64,
    /// All segments together; the oldest leave. The newest always stays.
    pub keep_bytes: u64,
    /// Records older than this leave, a segment at a time, measured against the newest record.
    pub keep_age: Span,
    /// Every so many records stand on their own; those in between are packed against them.
    pub keyframe_every: u32,
    /// Whether every record reaches the disk before `append` returns.
    pub sync: bool,
}

impl Settings {
    /// 64 MiB a segment, 1 GiB and 14 days in all, every 32nd record on its own, synced.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            rotate_bytes: 64 << 20,
            keep_bytes: 1 << 30,
            keep_age: Span::from_secs(14 * 86_400),
            keyframe_every: 32,
            sync: true,
        }
    }
}

/// Appends records to a folder. One writer per folder.
pub struct Writer {
    settings: Settings,
    packer: Packer,
    components: BTreeMap<String, Arc<[u8]>>,
    /// Segments before the open one, oldest first, with the instant of their first record where it can be read.
    older: VecDeque<(Segment, Option<Instant>)>,
    open: Option<Open>,
    next_number: u64,
}

/// The segment that is written to.
struct Open {
    file: File,
    path: PathBuf,
    number: u64,
    bytes: u64,
    first_at: Instant,
    /// Components it has already.
    components: BTreeSet<String>,
}

impl Writer {
    /// Opens a folder for appending. A frame that a crash has cut off is cut away; a segment that is damaged
    /// is left as it is, whatever is in it, and a new one is begun.
    pub fn open(settings: Settings) -> Result<Self, LogError> {
        fs::create_dir_all(&settings.folder).map_err(|error| LogError::io(&settings.folder, error))?;
        let mut writer = Self {
            packer: Packer::default(),
            components: BTreeMap::new(),
            older: VecDeque::new(),
            open: None,
            next_number: 0,
            settings,
        };
        let mut segments = segments::list(&writer.settings.folder)?;
        let newest = segments.pop();
        for segment in segments {
            match first_instant(&segment.path) {
                Ok(first_at) => writer.older.push_back((segment, Some(first_at))),
                Err(NoFrame::End | NoFrame::Torn) => drop_file(&segment.path),
                Err(NoFrame::Damaged(_) | NoFrame::Io(_)) => writer.older.push_back((segment, None)),
            }
        }
        if let Some(newest) = newest {
            writer.next_number = newest.number.saturating_add(1);
            match Open::again(&newest) {
                Again::Open(open) => writer.open = Some(*open),
                Again::Empty => drop_file(&newest.path),
                Again::Damaged(first_at) => writer.older.push_back((newest, first_at)),
            }
        }
        Ok(writer)
    }

    /// Makes a component known; it is written once per segment, before the first record that names it.
    pub fn component(&mut self, digest: &str, bytes: &Arc<[u8]>) {
        if !self.components.contains_key(digest) {
            self.components.insert(digest.to_owned(), Arc::clone(bytes));
        }
    }

    /// Appends one record. After an error the log is as it was, and the next append starts a new segment.
    pub fn append(&mut self, record: &CycleRecord) -> Result<(), LogError> {
        let done = self.try_append(record);
        if done.is_err() {
            self.close();
        }
        done
    }

    /// Appends how the record that was appended last has ended since: verdicts, outcomes, events, trouble and the time it
    /// took. So a record is on disk before its effects, and whole after them.
    pub fn complete(&mut self, record: &CycleRecord) -> Result<(), LogError> {
        let done = self.try_complete(record);
        if done.is_err() {
            self.close();
        }
        done
    }

    fn try_complete(&mut self, record: &CycleRecord) -> Result<(), LogError> {
        let unwritable = |why: String| LogError::Unwritable { why };
        let frame = pack_ending(record).map_err(|error| unwritable(error.to_string()))?;
        let Some(open) = &mut self.open else {
            return Err(unwritable("there is no record to complete".to_owned()));
        };
        open.append(&frame.bytes(), self.settings.sync)
    }

    fn try_append(&mut self, record: &CycleRecord) -> Result<(), LogError> {
        if self
            .open
            .as_ref()
            .is_some_and(|open| self.is_full(open, record.at))
        {
            self.close();
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.start_segment(record)?,
        };
        let written = self.write(&mut open, record);
        self.open = Some(open);
        written?;
        self.drop_oldest(record.at);
        Ok(())
    }

    fn write(&mut self, open: &mut Open, record: &CycleRecord) -> Result<(), LogError> {
        let unwritable = |error: std::io::Error| LogError::Unwritable {
            why: error.to_string(),
        };
        let mut bytes = Vec::new();
        let mut added = Vec::new();
        for policy in &record.policies {
            let known = self.components.get(&policy.digest);
            if let Some(component) = known.filter(|_| !open.components.contains(&policy.digest)) {
                let frame = pack_component(&policy.digest, component).map_err(unwritable)?;
                bytes.extend(frame.bytes());
                added.push(policy.digest.clone());
            }
        }
        let frame = self
            .packer
            .pack(record, self.settings.keyframe_every)
            .map_err(unwritable)?;
        bytes.extend(frame.bytes());
        open.append(&bytes, self.settings.sync)?;
        open.components.extend(added);
        Ok(())
    }

    /// A segment is full by size, or when it alone spans an eighth of what is kept.
    fn is_full(&self, open: &Open, now: Instant) -> bool {
        open.bytes >= self.settings.rotate_bytes
            || now.since(open.first_at).millis() > self.settings.keep_age.millis() / 8
    }

    fn close(&mut self) {
        self.packer.start_over();
        if let Some(open) = self.open.take() {
            if open.bytes <= HEADER as u64 {
                // Nothing but a header: a full disk would leave one more with every record.
                drop_file(&open.path);
                return;
            }
            let segment = Segment {
                number: open.number,
                path: open.path,
                bytes: open.bytes,
            };
            self.older.push_back((segment, Some(open.first_at)));
        }
    }

    fn start_segment(&mut self, record: &CycleRecord) -> Result<Open, LogError> {
        self.packer.start_over();
        let number = record.cycle.max(self.next_number);
        let path = segments::path(&self.settings.folder, number);
        let header = Header {
            first_cycle: record.cycle,
            first_at: record.at,
        };
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(|error| LogError::io(&path, error))?;
        self.next_number = number.saturating_add(1);
        let open = Open {
            file,
            path,
            number,
            bytes: 0,
            first_at: record.at,
            components: BTreeSet::new(),
        };
        open.begin(header)
    }

    /// Old segments leave by age and by size. One that cannot be removed is forgotten until the next opening:
    /// the record is written, and that is what the caller asked for.
    fn drop_oldest(&mut self, now: Instant) {
        let open = self.open.as_ref().map_or(0, |open| open.bytes);
        let mut total: u64 = self.older.iter().map(|(segment, _)| segment.bytes).sum::<u64>() + open;
        while let Some((oldest, _)) = self.older.front() {
            // Everything in a segment is older than the first record of the next one that can be read.
            let newest_in = self
                .older
                .iter()
                .skip(1)
                .find_map(|(_, at)| *at)
                .or_else(|| self.open.as_ref().map(|open| open.first_at));
            let too_old = newest_in.is_some_and(|at| now.since(at) > self.settings.keep_age);
            if !too_old && total <= self.settings.keep_bytes {
                return;
            }
            total = total.saturating_sub(oldest.bytes);
            drop_file(&oldest.path);
            self.older.pop_front();
        }
    }
}

/// What an existing segment is good for.
enum Again {
    /// To be written on.
    Open(Box<Open>),
    /// For nothing: not even its header is whole.
    Empty,
    /// For reading as far as it goes; with the instant of its first record, where its header can be read.
    Damaged(Option<Instant>),
}

impl Open {
    /// Opens an existing segment at the end of its last whole frame. Only what a crash has cut off is cut
    /// away: behind anything else there may be good records.
    fn again(segment: &Segment) -> Again {
        let path = &segment.path;
        let Ok(file) = OpenOptions::new().read(true).append(true).open(path) else {
            return Again::Damaged(None);
        };
        let mut reader = BufReader::new(&file);
        let header = match Header::read(&mut reader) {
            Ok(header) => header,
            Err(NoFrame::End | NoFrame::Torn) => return Again::Empty,
            Err(NoFrame::Damaged(_) | NoFrame::Io(_)) => return Again::Damaged(None),
        };
        let damaged = Again::Damaged(Some(header.first_at));
        let mut bytes = HEADER as u64;
        let mut components = BTreeSet::new();
        loop {
            match Frame::read(&mut reader) {
                Ok(frame) => {
                    bytes += (HEAD + frame.payload.len()) as u64;
                    if frame.kind == Kind::Component
                        && let Ok((digest, _)) = crate::codec::unpack_component(&frame)
                    {
                        components.insert(digest);
                    }
                }
                Err(NoFrame::End) => break,
                Err(NoFrame::Torn) if file.set_len(bytes).is_ok() => break,
                Err(NoFrame::Torn | NoFrame::Damaged(_) | NoFrame::Io(_)) => return damaged,
            }
        }
        drop(reader);
        Again::Open(Box::new(Self {
            file,
            path: path.clone(),
            number: segment.number,
            bytes,
            first_at: header.first_at,
            components,
        }))
    }

    /// Writes the header of a new segment; where that fails, there is no such segment.
    fn begin(mut self, header: Header) -> Result<Self, LogError> {
        match self.append(&header.bytes(), false) {
            Ok(()) => Ok(self),
            Err(error) => {
                drop_file(&self.path);
                Err(error)
            }
        }
    }

    /// Appends bytes; where that fails half-way, cuts them away again.
    fn append(&mut self, bytes: &[u8], sync: bool) -> Result<(), LogError> {
        let done = self
            .file
            .write_all(bytes)
            .and_then(|()| if sync { self.file.sync_data() } else { Ok(()) });
        if let Err(error) = done {
            // If this fails as well, the torn tail is cut away at the next opening.
            let _ = self.file.set_len(self.bytes);
            let _ = self.file.seek(SeekFrom::End(0));
            return Err(LogError::io(&self.path, error));
        }
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// When the first record of a segment was made.
fn first_instant(path: &Path) -> Result<Instant, NoFrame> {
    let file = File::open(path).map_err(NoFrame::Io)?;
    Header::read(&mut BufReader::new(file)).map(|header| header.first_at)
}

/// Removes a file that nobody needs. Clean-up only: a file that stays, or is gone already, keeps no record
/// from being written.
fn drop_file(path: &Path) {
    let _ = fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// A segment on a file that cannot be written to: what a full disk does.
    fn unwritable(folder: &Path, bytes: u64) -> Open {
        let path = segments::path(folder, 1);
        fs::write(&path, "").unwrap();
        Open {
            file: File::open(&path).unwrap(),
            path,
            number: 1,
            bytes,
            first_at: Instant(0),
            components: BTreeSet::new(),
        }
    }

    #[test]
    fn a_full_disk_leaves_no_segments_without_records_behind() {
        let folder = TempDir::new().unwrap();
        let header = Header {
            first_cycle: 1,
            first_at: Instant(0),
        };
        assert!(unwritable(folder.path(), 0).begin(header).is_err());
        assert_eq!(segments::list(folder.path()).unwrap(), []);
        // The header found room, the first record did not.
        let mut writer = Writer::open(Settings::new(folder.path())).unwrap();
        writer.open = Some(unwritable(folder.path(), HEADER as u64));
        assert!(writer.append(&CycleRecord::default()).is_err());
        assert_eq!(segments::list(folder.path()).unwrap(), []);
        assert!(writer.older.is_empty());
    }
}
