//! The bytes of a segment: a header, then frames, each with its own length and checksum.
//!
//! ```text
//! header  "PLOG" | version u16 | 0 u16 | first cycle u64 | first instant i64             24 bytes
//! frame   kind u8 | version u8 | 0 u16 | unpacked u32 | packed u32 | crc32 u32 | payload   16 + packed
//! ```
//! All numbers little-endian; the checksum covers the frame's head before it and the payload.

use model::Instant;
use std::io::{self, Read};

/// Length of the header of a segment.
pub(crate) const HEADER: usize = 24;
/// Length of the head of a frame.
pub(crate) const HEAD: usize = 16;
/// Largest payload, packed or not: more is damage, or an attack on the reader's memory.
pub(crate) const MAX_PAYLOAD: u32 = 256 << 20;
/// Version of the segment's form that this build writes and reads.
const SEGMENT_VERSION: u16 = 1;
const MAGIC: &[u8; 4] = b"PLOG";

/// The header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) first_cycle: u64,
    pub(crate) first_at: Instant,
}

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A record on its own.
    Key,
    /// A record packed against the last key record of the segment.
    Delta,
    /// A component: 64 hexadecimal digits, then its bytes.
    Component,
    /// How the record before it ended, on its own.
    Ending,
}

/// One frame as it was read, its checksum verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) version: u8,
    /// Length of the payload once unpacked.
    pub(crate) unpacked: u32,
    pub(crate) payload: Vec<u8>,
}

/// What came instead of a frame.
#[derive(Debug)]
pub(crate) enum NoFrame {
    /// The end, between two frames.
    End,
    /// The end, within a frame: a writer was cut off.
    Torn,
    /// Bytes that no writer has written.
    Damaged(&'static str),
    Io(io::Error),
}

impl Header {
    pub(crate) fn bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let fields: [&[u8]; 5] = [
            MAGIC,
            &SEGMENT_VERSION.to_le_bytes(),
            &[0, 0],
            &self.first_cycle.to_le_bytes(),
            &self.first_at.0.to_le_bytes(),
        ];
        for (place, byte) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
            *place = *byte;
        }
        bytes
    }

    /// Reads a header; the error says what it is instead.
    pub(crate) fn read(from: &mut impl Read) -> Result<Self, NoFrame> {
        let bytes: [u8; HEADER] = exactly(from)?;
        let (magic, rest) = take::<4>(&bytes);
        let (version, rest) = take::<2>(rest);
        let (_, rest) = take::<2>(rest);
        let (first_cycle, rest) = take::<8>(rest);
        let (first_at, _) = take::<8>(rest);
        if magic != *MAGIC {
            return Err(NoFrame::Damaged("it is not a log segment"));
        }
        if u16::from_le_bytes(version) != SEGMENT_VERSION {
            return Err(NoFrame::Damaged(
                "its segment version is not one that this build reads",
            ));
        }
        Ok(Self {
            first_cycle: u64::from_le_bytes(first_cycle),
            first_at: Instant(i64::from_le_bytes(first_at)),
        })
    }
}

impl Kind {
    /// The first byte of its frames.
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Key => 1,
            Self::Delta => 2,
            Self::Component => 3,
            Self::Ending => 4,
        }
    }
}

impl Frame {
    /// The frame as it is written.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let packed = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(HEAD + self.payload.len());
        bytes.extend([self.kind.byte(), self.version, 0, 0]);
        bytes.extend(self.unpacked.to_le_bytes());
        bytes.extend(packed.to_le_bytes());
        bytes.extend(checksum(&bytes, &self.payload).to_le_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// Reads one frame.
    pub(crate) fn read(from: &mut impl Read) -> Result<Self, NoFrame> {
        let head: [u8; HEAD] = exactly(from)?;
        let (kinds, rest) = take::<4>(&head);
        let (unpacked, rest) = take::<4>(rest);
        let (packed, rest) = take::<4>(rest);
        let (crc, _) = take::<4>(rest);
        let (unpacked, packed) = (u32::from_le_bytes(unpacked), u32::from_le_bytes(packed));
        if unpacked > MAX_PAYLOAD || packed > MAX_PAYLOAD {
            return Err(NoFrame::Damaged("a frame is longer than any that is written"));
        }
        // Grows with what is there, not with what the head claims.
        let mut payload = Vec::new();
        let read = from
            .take(u64::from(packed))
            .read_to_end(&mut payload)
            .map_err(NoFrame::Io)?;
        if read < packed as usize {
            return Err(NoFrame::Torn);
        }
        let [kind, version, ..] = kinds;
        let (covered, _) = head.split_at(HEAD - 4);
        if checksum(covered, &payload) != u32::from_le_bytes(crc) {
            return Err(NoFrame::Damaged("a checksum does not match"));
        }
        let kind = match kind {
            1 => Kind::Key,
            2 => Kind::Delta,
            3 => Kind::Component,
            4 => Kind::Ending,
            _ => {
                return Err(NoFrame::Damaged(
                    "a frame is of a kind that this build does not know",
                ));
            }
        };
        Ok(Self {
            kind,
            version,
            unpacked,
            payload,
        })
    }
}

fn checksum(head: &[u8], payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(head);
    crc.update(payload);
    crc.finalize()
}

/// Splits off the first `N` bytes; callers have them by the type of what they read.
fn take<const N: usize>(bytes: &[u8]) -> ([u8; N], &[u8]) {
    bytes
        .split_first_chunk::<N>()
        .map_or(([0; N], &[]), |(first, rest)| (*first, rest))
}

/// Reads exactly `N` bytes, and tells nothing from something.
fn exactly<const N: usize>(from: &mut impl Read) -> Result<[u8; N], NoFrame> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) if filled == 0 => return Err(NoFrame::End),
            Ok(0) => return Err(NoFrame::Torn),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(NoFrame::Io(error)),
        }
    }
    Ok(bytes)
}
