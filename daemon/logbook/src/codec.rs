//! Records as frames: JSON packed with zstd, every so often on its own, in between against the last one that
//! stands on its own (as a prefix), so that what has not changed costs next to nothing.

use crate::frame::{Frame, Kind, MAX_PAYLOAD};
use crate::past;
use crate::record::{CycleRecord, Ending, RECORD_VERSION};
use std::io;
use zstd::zstd_safe::{CCtx, CParameter, compress_bound, get_error_name};

/// zstd level: the fastest that packs repetition well.
const LEVEL: i32 = 3;

/// How far back a record between two keys refers, as a power of two: over itself and the key before it, up to
/// 128 MiB. At this level alone zstd sees 2 MiB, which is less than half of one record of a large cluster.
const WINDOW_LOG: std::ops::RangeInclusive<u32> = 18..=27;

/// Packs records one after the other.
#[derive(Default)]
pub(crate) struct Packer {
    /// The last record that stands on its own, as JSON.
    last_key: Option<Vec<u8>>,
    since_key: u32,
}

/// Unpacks records one after the other.
#[derive(Default)]
pub(crate) struct Unpacker {
    against_last_key: Option<zstd::bulk::Decompressor<'static>>,
}

/// Why a payload is not a record.
#[derive(Debug)]
pub(crate) enum NoRecord {
    Version(u32),
    Damaged(String),
}

impl Packer {
    /// The next record stands on its own.
    pub(crate) fn start_over(&mut self) {
        self.last_key = None;
    }

    /// One record as a frame; every `keyframe_every`th stands on its own.
    pub(crate) fn pack(&mut self, record: &CycleRecord, keyframe_every: u32) -> io::Result<Frame> {
        // A buffer that doubles as it grows would take twice as much: a record is about as long as the one before it.
        let likely = self
            .last_key
            .as_ref()
            .map_or(0, |last| last.len() + last.len() / 8);
        let mut json = Vec::with_capacity(likely);
        serde_json::to_writer(&mut json, record)?;
        let unpacked = u32::try_from(json.len())
            .ok()
            .filter(|length| *length <= MAX_PAYLOAD)
            .ok_or_else(|| io::Error::other("the record is larger than 256 MiB"))?;
        let version = u8::try_from(RECORD_VERSION).unwrap_or(u8::MAX);
        if self.since_key.saturating_add(1) < keyframe_every
            && let Some(last_key) = &self.last_key
        {
            self.since_key += 1;
            return Ok(Frame {
                kind: Kind::Delta,
                version,
                unpacked,
                payload: against(last_key, &json)?,
            });
        }
        let payload = zstd::bulk::compress(&json, LEVEL)?;
        json.shrink_to_fit();
        self.last_key = Some(json);
        self.since_key = 0;
        Ok(Frame {
            kind: Kind::Key,
            version,
            unpacked,
            payload,
        })
    }
}

/// Packs a record against the one before it. Any reader that takes that one as a dictionary reads it.
fn against(before: &[u8], json: &[u8]) -> io::Result<Vec<u8>> {
    let failed = |code| io::Error::other(get_error_name(code));
    let both = before.len().saturating_add(json.len());
    let window = both
        .next_power_of_two()
        .trailing_zeros()
        .clamp(*WINDOW_LOG.start(), *WINDOW_LOG.end());
    let mut context = CCtx::try_create().ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
    for setting in [
        CParameter::CompressionLevel(LEVEL),
        CParameter::WindowLog(window),
        CParameter::EnableLongDistanceMatching(true),
    ] {
        context.set_parameter(setting).map_err(failed)?;
    }
    context.ref_prefix(before).map_err(failed)?;
    let mut packed = Vec::with_capacity(compress_bound(json.len()));
    context.compress2(&mut packed, json).map_err(failed)?;
    packed.shrink_to_fit();
    Ok(packed)
}

impl Unpacker {
    /// The record of a frame.
    pub(crate) fn unpack(&mut self, frame: &Frame) -> Result<CycleRecord, NoRecord> {
        let damaged = |error: io::Error| NoRecord::Damaged(error.to_string());
        let capacity = frame.unpacked as usize;
        let json = match (frame.kind, &mut self.against_last_key) {
            (Kind::Delta, Some(unpacker)) => {
                unpacker.decompress(&frame.payload, capacity).map_err(damaged)?
            }
            (Kind::Key, _) => {
                let json = zstd::bulk::decompress(&frame.payload, capacity).map_err(damaged)?;
                let against = zstd::bulk::Decompressor::with_dictionary(&json).map_err(damaged)?;
                self.against_last_key = Some(against);
                json
            }
            (Kind::Delta, None) => {
                return Err(NoRecord::Damaged(
                    "the record it was packed against is missing".to_owned(),
                ));
            }
            (Kind::Component | Kind::Ending, _) => {
                return Err(NoRecord::Damaged(
                    "a frame of another kind is no record".to_owned(),
                ));
            }
        };
        let text = |error: serde_json::Error| NoRecord::Damaged(error.to_string());
        match u32::from(frame.version) {
            RECORD_VERSION => serde_json::from_slice(&json).map_err(text),
            older @ ..RECORD_VERSION => past::record(older, &json).map_err(text),
            found => Err(NoRecord::Version(found)),
        }
    }
}

/// How a record that was written before its effects has ended, as a frame.
pub(crate) fn pack_ending(record: &CycleRecord) -> io::Result<Frame> {
    let json = serde_json::to_vec(&Ending::of(record))?;
    let unpacked = u32::try_from(json.len())
        .ok()
        .filter(|length| *length <= MAX_PAYLOAD)
        .ok_or_else(|| io::Error::other("the end of the record is larger than 256 MiB"))?;
    Ok(Frame {
        kind: Kind::Ending,
        version: u8::try_from(RECORD_VERSION).unwrap_or(u8::MAX),
        unpacked,
        payload: zstd::bulk::compress(&json, LEVEL)?,
    })
}

/// How a record has ended.
pub(crate) fn unpack_ending(frame: &Frame) -> Result<Ending, NoRecord> {
    if u32::from(frame.version) > RECORD_VERSION {
        return Err(NoRecord::Version(u32::from(frame.version)));
    }
    let json = zstd::bulk::decompress(&frame.payload, frame.unpacked as usize)
        .map_err(|error| NoRecord::Damaged(error.to_string()))?;
    serde_json::from_slice(&json).map_err(|error| NoRecord::Damaged(error.to_string()))
}

/// A component as a frame.
pub(crate) fn pack_component(digest: &str, bytes: &[u8]) -> io::Result<Frame> {
    let mut plain = digest.as_bytes().to_vec();
    plain.extend(bytes);
    let unpacked = u32::try_from(plain.len())
        .ok()
        .filter(|length| *length <= MAX_PAYLOAD && digest.len() == DIGEST)
        .ok_or_else(|| io::Error::other("a component of this size or digest is not kept"))?;
    Ok(Frame {
        kind: Kind::Component,
        version: 0,
        unpacked,
        payload: zstd::bulk::compress(&plain, LEVEL)?,
    })
}

/// The digest and the bytes of a component.
pub(crate) fn unpack_component(frame: &Frame) -> Result<(String, Vec<u8>), NoRecord> {
    let mut plain = zstd::bulk::decompress(&frame.payload, frame.unpacked as usize)
        .map_err(|error| NoRecord::Damaged(error.to_string()))?;
    if plain.len() < DIGEST {
        return Err(NoRecord::Damaged("a component without a digest".to_owned()));
    }
    let bytes = plain.split_off(DIGEST);
    let digest = String::from_utf8(plain).map_err(|error| NoRecord::Damaged(error.to_string()))?;
    Ok((digest, bytes))
}

/// Hexadecimal digits of a SHA-256.
const DIGEST: usize = 64;
