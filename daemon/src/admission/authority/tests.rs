//! Roots overlap, leaves chain to them, and nothing is made anew before its time.

use super::*;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use std::sync::Arc;

const NOW: Seconds = 1_800_000_000;
const LIVES: Lives = Lives {
    authority: 900,
    leaf: 90,
};

fn names() -> Vec<String> {
    vec!["plimsoll.plimsoll-system.svc".to_owned()]
}

/// Whether a client that trusts this bundle would take the leaf at this time.
fn trusts(bundle: &str, leaf: &Leaf, at: Seconds) -> bool {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
        store.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
        .build()
        .unwrap();
    let end = CertificateDer::from_pem_slice(leaf.certificate.as_bytes()).unwrap();
    let name = ServerName::try_from(names()[0].clone()).unwrap();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at).unwrap()));
    verifier.verify_server_cert(&end, &[], &name, &[], time).is_ok()
}

#[test]
fn a_root_rolls_while_the_old_one_is_trusted() {
    let (first, changed) = roots(&[], NOW, LIVES).unwrap();
    assert!(changed && first.len() == 1);
    let (same, changed) = roots(&first, NOW + 599, LIVES).unwrap();
    assert!(!changed && same == first, "not before two thirds of its life");
    let (both, changed) = roots(&first, NOW + 600, LIVES).unwrap();
    assert!(changed && both.len() == 2 && both[1] == first[0]);
    let old = leaf(&first[0], &names(), NOW + 600, LIVES).unwrap();
    let new = leaf(&both[0], &names(), NOW + 600, LIVES).unwrap();
    for leaf in [&old, &new] {
        assert!(trusts(&bundle(&both), leaf, NOW + 610), "by {}", leaf.by);
    }
    assert!(
        !trusts(&bundle(&first), &new, NOW + 610),
        "nobody trusts what they were not told to"
    );
    let (one, changed) = roots(&both, NOW + 900, LIVES).unwrap();
    assert!(changed && one == both[..1], "an old root leaves when it ends");
}

#[test]
fn a_leaf_ends_with_its_root_and_with_its_time() {
    let (roots, _) = roots(&[], NOW, LIVES).unwrap();
    let made = leaf(&roots[0], &names(), NOW, LIVES).unwrap();
    assert!(trusts(&bundle(&roots), &made, NOW - 200), "clocks differ");
    assert!(trusts(&bundle(&roots), &made, NOW + 89));
    assert!(!trusts(&bundle(&roots), &made, NOW + 91));
    assert!(!is_old(made.begins, made.ends, NOW + 59) && is_old(made.begins, made.ends, NOW + 60));
    let late = leaf(&roots[0], &names(), NOW + 850, LIVES).unwrap();
    assert_eq!(late.ends, NOW + 900);
}

#[test]
fn roots_that_are_gone_or_too_many_are_no_trouble() {
    let (first, _) = roots(&[], NOW, LIVES).unwrap();
    let (later, changed) = roots(&first, NOW + 10_000, LIVES).unwrap();
    assert!(changed && later.len() == 1 && later[0] != first[0]);
    let many: Vec<Root> = (0..20)
        .map(|n| Root {
            name: n.to_string(),
            ..first[0].clone()
        })
        .collect();
    assert!(roots(&many, NOW + 1, LIVES).unwrap().0.len() <= ROOTS);
}
