//! Writing: records are appended to the newest segment, segments are rotated, the oldest leave.

use crate::codec::{Packer, pack_component};
use crate::error::LogError;
use crate::frame::{Frame, HEADER, Header, Kind, NoFrame};
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
    /// Segments before the open one, oldest first, with the instant of their first record.
    older: VecDeque<(Segment, Instant)>,
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
    /// Opens a folder for appending. A frame that a crash has cut off is cut away.
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
            let first_at = first_instant(&segment.path);
            writer.older.push_back((segment, first_at));
        }
        if let Some(newest) = newest {
            writer.next_number = newest.number.saturating_add(1);
            match Open::again(&newest)? {
                Some(open) => writer.open = Some(open),
                // Not even its header is whole: nothing was in it.
                None => fs::remove_file(&newest.path).map_err(|error| LogError::io(&newest.path, error))?,
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
        self.drop_oldest(record.at)
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
            let segment = Segment {
                number: open.number,
                path: open.path,
                bytes: open.bytes,
            };
            self.older.push_back((segment, open.first_at));
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
        let mut open = Open {
            file,
            path,
            number,
            bytes: 0,
            first_at: record.at,
            components: BTreeSet::new(),
        };
        self.next_number = number.saturating_add(1);
        open.append(&header.bytes(), false)?;
        Ok(open)
    }

    /// Old segments leave by age and by size.
    fn drop_oldest(&mut self, now: Instant) -> Result<(), LogError> {
        let open = self.open.as_ref().map_or(0, |open| open.bytes);
        let mut total: u64 = self.older.iter().map(|(segment, _)| segment.bytes).sum::<u64>() + open;
        while let Some((oldest, _)) = self.older.front() {
            // Everything in a segment is older than the first record of the next one.
            let newest_in = self
                .older
                .get(1)
                .map(|(_, at)| *at)
                .or_else(|| self.open.as_ref().map(|open| open.first_at));
            let too_old = newest_in.is_some_and(|at| now.since(at) > self.settings.keep_age);
            if !too_old && total <= self.settings.keep_bytes {
                return Ok(());
            }
            total -= oldest.bytes;
            let gone = fs::remove_file(&oldest.path).map_err(|error| LogError::io(&oldest.path, error));
            self.older.pop_front();
            gone?;
        }
        Ok(())
    }
}

impl Open {
    /// Opens an existing segment at the end of its last whole frame; `None` where it has no whole header.
    fn again(segment: &Segment) -> Result<Option<Self>, LogError> {
        let path = &segment.path;
        let io = |error| LogError::io(path, error);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(path)
            .map_err(io)?;
        let mut reader = BufReader::new(&file);
        let header = match Header::read(&mut reader) {
            Ok(header) => header,
            Err(NoFrame::End | NoFrame::Torn) => return Ok(None),
            Err(NoFrame::Io(error)) => return Err(io(error)),
            Err(NoFrame::Damaged(why)) => {
                return Err(LogError::Damaged {
                    path: path.clone(),
                    offset: 0,
                    why: why.to_owned(),
                });
            }
        };
        let mut bytes = HEADER as u64;
        let mut components = BTreeSet::new();
        while let Ok(frame) = Frame::read(&mut reader) {
            bytes += frame.bytes().len() as u64;
            if frame.kind == Kind::Component
                && let Ok((digest, _)) = crate::codec::unpack_component(&frame)
            {
                components.insert(digest);
            }
        }
        file.set_len(bytes).map_err(io)?;
        Ok(Some(Self {
            file,
            path: path.clone(),
            number: segment.number,
            bytes,
            first_at: header.first_at,
            components,
        }))
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

/// When the first record of a segment was made; a segment that cannot be read counts as the oldest there is.
fn first_instant(path: &Path) -> Instant {
    File::open(path)
        .ok()
        .and_then(|file| Header::read(&mut BufReader::new(file)).ok())
        .map_or(Instant(i64::MIN), |header| header.first_at)
}
