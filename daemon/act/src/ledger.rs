//! Ledger, Memory and Installation in three ConfigMaps of the daemon's namespace.
//!
//! The Ledger is written under the version that was read last, so that a second writer is noticed; the Memory may be
//! lost, and the Installation tells that a Ledger was. Large values are compressed; one that still does not fit is refused, never cut. Not here: the format of
//! either value (`guard`).

use crate::answer::{CallError, bounded};
use guard::ledger::{
    decode_installation, decode_ledger, decode_memory, encode_installation, encode_ledger, encode_memory,
};
use guard::{Kept, LedgerStore, StoreError, Stored};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use kube::api::{Api, PostParams};
use model::intent::{Installation, Ledger};
use model::memory::Memory;
use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

/// Name of the ConfigMap that keeps the Ledger.
pub const LEDGER_NAME: &str = "plimsoll-ledger";
/// Name of the ConfigMap that keeps the Memory.
pub const MEMORY_NAME: &str = "plimsoll-memory";
/// Name of the ConfigMap that tells that there is a Ledger, and whether it is paused.
pub const INSTALLATION_NAME: &str = "plimsoll-installation";

const CALL: Duration = Duration::from_secs(5);
/// Below this a value is kept as text that a person can read.
const PLAIN: usize = 128 << 10;
/// The API server takes 1 MiB per ConfigMap.
const LARGEST: usize = 900 << 10;
/// Larger values are not read: nobody wrote them.
const LARGEST_UNPACKED: u64 = 64 << 20;
const LEVEL: i32 = 3;

/// Keeps Ledger, Memory and Installation in ConfigMaps.
pub struct ConfigMapStore {
    maps: Api<ConfigMap>,
    known: Known,
}

/// What is known of the stored Ledger.
enum Known {
    /// Not read yet, or a write ended unknown: read before the next write.
    Nothing,
    /// There is none.
    Absent,
    /// Read or written last at this version, with this generation.
    At { version: String, generation: u64 },
}

impl ConfigMapStore {
    /// A store in this namespace; makes no call.
    pub fn new(client: Client, namespace: &str) -> Self {
        Self {
            maps: Api::namespaced(client, namespace),
            known: Known::Nothing,
        }
    }

    async fn read_ledger(&mut self) -> Result<Option<Ledger>, StoreError> {
        self.known = Known::Nothing;
        let Some(map) = self.get(LEDGER_NAME).await? else {
            self.known = Known::Absent;
            return Ok(None);
        };
        let ledger = decode_ledger(&unpack(&map, LEDGER_NAME)?)?;
        self.known = Known::At {
            version: map.metadata.resource_version.unwrap_or_default(),
            generation: ledger.generation,
        };
        Ok(Some(ledger))
    }

    /// A damaged Memory is begun anew: it must not keep the daemon from starting.
    async fn read_memory(&self) -> Result<Option<Memory>, StoreError> {
        let Some(map) = self.get(MEMORY_NAME).await? else {
            return Ok(None);
        };
        let memory = unpack(&map, MEMORY_NAME).and_then(|bytes| decode_memory(&bytes));
        Ok(Some(memory.unwrap_or_else(|error| {
            tracing::warn!(%error, "the memory cannot be read and is begun anew");
            Memory::default()
        })))
    }

    async fn read_installation(&self) -> Result<Option<Installation>, StoreError> {
        let map = self.get(INSTALLATION_NAME).await?;
        let bytes = map.map(|map| unpack(&map, INSTALLATION_NAME)).transpose()?;
        bytes.map(|bytes| decode_installation(&bytes)).transpose()
    }

    async fn write_ledger(&mut self, ledger: &Ledger) -> Result<(), StoreError> {
        let bytes = encode_ledger(ledger)?;
        if matches!(self.known, Known::Nothing) && self.read_ledger().await?.as_ref() == Some(ledger) {
            return Ok(()); // an earlier write of the same value got through after all
        }
        let mut map = pack(LEDGER_NAME, &bytes)?;
        let written = match &self.known {
            Known::At { version, generation } => {
                if ledger.generation <= *generation {
                    return Err(conflict(*generation, ledger));
                }
                map.metadata.resource_version = Some(version.clone());
                bounded(CALL, self.maps.replace(LEDGER_NAME, &PostParams::default(), &map)).await
            }
            Known::Nothing | Known::Absent => {
                bounded(CALL, self.maps.create(&PostParams::default(), &map)).await
            }
        };
        match written {
            Ok(map) => {
                self.known = Known::At {
                    version: map.metadata.resource_version.unwrap_or_default(),
                    generation: ledger.generation,
                };
                Ok(())
            }
            Err(error) if error.code() == Some(409) => {
                let theirs = self.read_ledger().await?.map_or(0, |stored| stored.generation);
                self.known = Known::Nothing;
                Err(conflict(theirs, ledger))
            }
            Err(error) => {
                self.known = Known::Nothing;
                Err(unavailable(LEDGER_NAME, &error))
            }
        }
    }

    /// Without a version: the last writer wins.
    async fn overwrite(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let map = pack(name, bytes)?;
        let params = PostParams::default();
        let written = match bounded(CALL, self.maps.replace(name, &params, &map)).await {
            Err(error) if error.code() == Some(404) => bounded(CALL, self.maps.create(&params, &map)).await,
            other => other,
        };
        written.map(|_| ()).map_err(|error| unavailable(name, &error))
    }

    async fn get(&self, name: &str) -> Result<Option<ConfigMap>, StoreError> {
        let read = bounded(CALL, self.maps.get_opt(name)).await;
        read.map_err(|error| unavailable(name, &error))
    }
}

impl LedgerStore for ConfigMapStore {
    fn load(&mut self) -> Stored<'_, Kept> {
        Box::pin(async move {
            Ok(Kept {
                ledger: self.read_ledger().await?,
                memory: self.read_memory().await?,
                installation: self.read_installation().await?,
            })
        })
    }

    fn save<'a>(&'a mut self, ledger: &'a Ledger) -> Stored<'a, ()> {
        Box::pin(self.write_ledger(ledger))
    }

    fn save_memory<'a>(&'a mut self, memory: &'a Memory) -> Stored<'a, ()> {
        Box::pin(async move { self.overwrite(MEMORY_NAME, &encode_memory(memory)?).await })
    }

    fn save_installation<'a>(&'a mut self, installation: &'a Installation) -> Stored<'a, ()> {
        Box::pin(async move {
            let bytes = encode_installation(installation)?;
            self.overwrite(INSTALLATION_NAME, &bytes).await
        })
    }

    fn load_installation(&mut self) -> Stored<'_, Option<Installation>> {
        Box::pin(self.read_installation())
    }

    fn is_lasting(&self) -> bool {
        true
    }
}

const fn conflict(theirs: u64, ledger: &Ledger) -> StoreError {
    StoreError::Conflict {
        theirs,
        ours: ledger.generation,
    }
}

fn unavailable(name: &str, error: &CallError) -> StoreError {
    StoreError::Unavailable(format!("ConfigMap {name}: {error}"))
}

fn keys(name: &str) -> (String, String) {
    (format!("{name}.json"), format!("{name}.json.zst"))
}

fn pack(name: &str, bytes: &[u8]) -> Result<ConfigMap, StoreError> {
    let refused = |why: String| StoreError::Unavailable(format!("ConfigMap {name}: {why}"));
    let mut map = ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(BTreeMap::from([(
                "app.kubernetes.io/managed-by".to_owned(),
                "plimsoll".to_owned(),
            )])),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    };
    let (plain, packed) = keys(name);
    if bytes.len() <= PLAIN {
        let text = String::from_utf8(bytes.to_vec()).map_err(|error| refused(error.to_string()))?;
        map.data = Some(BTreeMap::from([(plain, text)]));
        return Ok(map);
    }
    let small = zstd::bulk::compress(bytes, LEVEL).map_err(|error| refused(error.to_string()))?;
    if small.len() > LARGEST {
        let sizes = (small.len(), LARGEST);
        return Err(refused(format!("{} bytes do not fit into {}", sizes.0, sizes.1)));
    }
    map.binary_data = Some(BTreeMap::from([(packed, ByteString(small))]));
    Ok(map)
}

fn unpack(map: &ConfigMap, name: &str) -> Result<Vec<u8>, StoreError> {
    let refused = |why: &str| StoreError::Unavailable(format!("ConfigMap {name}: {why}"));
    let (plain, packed) = keys(name);
    if let Some(text) = map.data.as_ref().and_then(|data| data.get(&plain)) {
        return Ok(text.as_bytes().to_vec());
    }
    let Some(ByteString(small)) = map.binary_data.as_ref().and_then(|data| data.get(&packed)) else {
        return Err(refused(&format!("has neither {plain} nor {packed}")));
    };
    let decoder =
        zstd::stream::read::Decoder::new(&small[..]).map_err(|error| refused(&error.to_string()))?;
    let mut bytes = Vec::new();
    let read = decoder.take(LARGEST_UNPACKED).read_to_end(&mut bytes);
    read.map_err(|error| refused(&error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
