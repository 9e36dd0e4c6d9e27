//! The webhook's own authority: roots that overlap, and leaves made by one of them. ECDSA P-256.
//!
//! A root is made anew once two thirds of its life are over, and the old one stays trusted until it ends: whoever has
//! not heard of the new one yet trusts what is served all the same. Pure but for the keys; the time is given. Not here:
//! where roots are kept, and who is told to trust them.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Certificates are good this many seconds before they are made: clocks differ.
const BACKDATED: i64 = 300;
/// Roots at most: one that rolls in and one that rolls out; the rest is somebody's mistake.
const ROOTS: usize = 4;

/// Seconds since 1970.
pub(crate) type Seconds = i64;

/// How long certificates live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lives {
    /// A root, seconds.
    pub(crate) authority: Seconds,
    /// A leaf, seconds.
    pub(crate) leaf: Seconds,
}

/// A root with its key; PEM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Root {
    /// Common name; no other root has it.
    pub(super) name: String,
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) begins: Seconds,
    pub(super) ends: Seconds,
}

/// What is served; PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) certificate: String,
    pub(super) key: String,
    /// Name of its root.
    pub(super) by: String,
    pub(super) begins: Seconds,
    pub(super) ends: Seconds,
}

/// The roots that should be there at this time, newest first, and whether that is any different from `kept`.
pub(super) fn roots(kept: &[Root], now: Seconds, lives: Lives) -> Result<(Vec<Root>, bool), rcgen::Error> {
    let mut roots: Vec<Root> = kept.iter().filter(|root| root.ends > now).cloned().collect();
    roots.sort_by_key(|root| std::cmp::Reverse((root.begins, root.ends)));
    roots.truncate(ROOTS);
    if roots
        .first()
        .is_none_or(|newest| is_old(newest.begins, newest.ends, now))
    {
        roots.insert(0, root(now, lives)?);
    }
    let changed = roots != kept;
    Ok((roots, changed))
}

/// What the API server is to trust: every root, newest first.
pub(super) fn bundle(roots: &[Root]) -> String {
    roots.iter().map(|root| root.certificate.as_str()).collect()
}

/// Whether two thirds of a life are over.
pub(super) const fn is_old(begins: Seconds, ends: Seconds, now: Seconds) -> bool {
    now.saturating_sub(begins) * 3 >= ends.saturating_sub(begins) * 2
}

fn root(now: Seconds, lives: Lives) -> Result<Root, rcgen::Error> {
    let key = KeyPair::generate()?;
    let some = key.public_key_raw().iter().skip(1).take(8);
    let id = some.fold(0_u64, |id, byte| id << 8 | u64::from(*byte));
    let name = format!("plimsoll-admission-{id:016x}");
    let ends = now + lives.authority;
    let certificate = authority(&name, now, ends)?.self_signed(&key)?;
    Ok(Root {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
        name,
        begins: now,
        ends,
    })
}

/// A leaf for these names by this root.
pub(super) fn leaf(root: &Root, names: &[String], now: Seconds, lives: Lives) -> Result<Leaf, rcgen::Error> {
    let issuer = Issuer::new(
        authority(&root.name, root.begins, root.ends)?,
        KeyPair::from_pem(&root.key)?,
    );
    let key = KeyPair::generate()?;
    let ends = now.saturating_add(lives.leaf).min(root.ends);
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name = named(names.first().map_or("plimsoll", String::as_str));
    good(&mut params, now - BACKDATED, ends);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, &issuer)?;
    Ok(Leaf {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
        by: root.name.clone(),
        begins: now,
        ends,
    })
}

fn authority(name: &str, begins: Seconds, ends: Seconds) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    good(&mut params, begins - BACKDATED, ends);
    Ok(params)
}

/// A common name may have 64 characters; what is verified are the names beside it.
fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name.chars().take(64).collect::<String>());
    distinguished
}

/// Sets when it is good; before 1970 is 1970.
fn good(params: &mut CertificateParams, from: Seconds, to: Seconds) {
    let after = |seconds: Seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    params.not_before = rcgen::date_time_ymd(1970, 1, 1) + after(from);
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + after(to);
}

#[cfg(test)]
mod tests;
