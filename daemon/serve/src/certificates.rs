//! When the certificates that are served, and the authorities that clients must come from, end; and whether newer files
//! were refused. Shown as metrics, and as alarms that `/readyz` and the log repeat.
//!
//! A certificate is near its end when less than 30 days, or less than a quarter of its life, are left, whichever is the
//! shorter: what is renewed in time never is. Not here: files (`tls.rs`), and what makes a certificate good.

use rustls::pki_types::CertificateDer;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use yasna::tags::TAG_UTCTIME;
use yasna::{ASN1Result, BERReader, BERReaderSeq, Tag};

/// Seconds since 1970.
pub(crate) type Seconds = i64;

/// Less time than this is little, however long the life.
const LITTLE: Seconds = 30 * 86_400;

/// What is known, shared by the listeners; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Certificates(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    lives: BTreeMap<(&'static str, &'static str), Life>,
    refused: BTreeMap<&'static str, String>,
}

/// When a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) begins: Seconds,
    pub(crate) ends: Seconds,
}

impl Certificates {
    /// These are in force for a listener from now on.
    pub(crate) fn in_force(&self, listener: &'static str, lives: &[(&'static str, Life)]) {
        let mut known = self.lock();
        known.refused.remove(listener);
        known
            .lives
            .extend(lives.iter().map(|(what, life)| ((listener, *what), *life)));
    }

    /// One of them, beside others of the listener.
    pub(crate) fn one_in_force(&self, listener: &'static str, what: &'static str, life: Life) {
        self.lock().lives.insert((listener, what), life);
    }

    /// Newer files cannot be used: what was in force stays.
    pub(crate) fn refused(&self, listener: &'static str, why: &str) {
        self.lock().refused.insert(listener, why.to_owned());
    }

    /// Listener, which of its certificates, and when that ends.
    pub(crate) fn ends(&self) -> Vec<(&'static str, &'static str, Seconds)> {
        let known = self.lock();
        known
            .lives
            .iter()
            .map(|((listener, what), life)| (*listener, *what, life.ends))
            .collect()
    }

    /// What a person has to see to.
    pub(crate) fn alarms(&self, now: Seconds) -> Vec<String> {
        let known = self.lock();
        let refused = known.refused.iter().map(|(listener, why)| {
            format!(
                "{listener}: new certificate files cannot be used, the last good ones stay in force: {why}"
            )
        });
        let near = known.lives.iter().filter(|(_, life)| life.is_near_its_end(now));
        let near = near.map(|((listener, what), life)| match life.ends - now {
            ..=0 => format!("{listener}: the {what} has expired"),
            left => format!("{listener}: the {what} expires in {} days", left / 86_400),
        });
        refused.chain(near).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Life {
    /// Of one certificate; `None` where it does not say it in a way that can be read.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        validity(certificate).ok()
    }

    /// Of a chain: it is good while all of it is.
    pub(crate) fn of_chain(chain: &[CertificateDer<'_>]) -> Option<Self> {
        chain.iter().filter_map(Self::of).min_by_key(|life| life.ends)
    }

    /// Of authorities that stand beside each other: an old one that rolls out is no reason for an alarm.
    pub(crate) fn of_authorities(all: &[CertificateDer<'_>]) -> Option<Self> {
        all.iter().filter_map(Self::of).max_by_key(|life| life.ends)
    }

    /// Whether it has ended.
    pub(crate) const fn is_over(self, now: Seconds) -> bool {
        self.ends <= now
    }

    fn is_near_its_end(self, now: Seconds) -> bool {
        let life = self.ends.saturating_sub(self.begins);
        self.ends.saturating_sub(now) < LITTLE.min(life / 4)
    }
}

/// By the wall's clock, like every certificate.
pub(crate) fn now() -> Seconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Seconds::try_from(since.as_secs()).unwrap_or(Seconds::MAX)
}

/// RFC 5280, 4.1: version, serial number, signature, issuer, validity, and more that is not looked at.
fn validity(certificate: &[u8]) -> ASN1Result<Life> {
    yasna::parse_der(certificate, |reader| {
        reader.read_sequence(|outer| {
            let life = outer.next().read_sequence(|inner| {
                inner.read_optional(|version| version.read_tagged(Tag::context(0), der))?;
                for _ in 0..3 {
                    inner.next().read_der()?;
                }
                let life = inner.next().read_sequence(|times| {
                    Ok(Life {
                        begins: time(times.next())?,
                        ends: time(times.next())?,
                    })
                })?;
                rest(inner)?;
                Ok(life)
            })?;
            rest(outer)?;
            Ok(life)
        })
    })
}

fn time(reader: BERReader<'_, '_>) -> ASN1Result<Seconds> {
    if reader.lookahead_tag()? == TAG_UTCTIME {
        return Ok(reader.read_utctime()?.datetime().unix_timestamp());
    }
    Ok(reader.read_generalized_time()?.datetime().unix_timestamp())
}

fn der(reader: BERReader<'_, '_>) -> ASN1Result<Vec<u8>> {
    reader.read_der()
}

fn rest(reader: &mut BERReaderSeq<'_, '_>) -> ASN1Result<()> {
    while reader.read_optional(der)?.is_some() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    const DAY: Seconds = 86_400;

    #[test]
    fn the_life_of_a_certificate_is_read() {
        for year in [2049, 2051] {
            let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
            let expected = params.not_after.unix_timestamp();
            let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
            let life = Life::of(made.der()).unwrap();
            assert_eq!((life.begins, life.ends), (1_577_836_800, expected), "{year}");
        }
        assert_eq!(Life::of(&CertificateDer::from(vec![0x30, 3, 2, 1, 1])), None);
    }

    #[test]
    fn what_is_renewed_in_time_raises_no_alarm() {
        let certificates = Certificates::default();
        let alarms = |days: i64, left: i64| {
            let life = Life {
                begins: (left - days) * DAY,
                ends: left * DAY,
            };
            certificates.in_force("grpc", &[("certificate", life)]);
            certificates.alarms(0)
        };
        for (days, left, alarm) in [
            (365, 31, false),
            (365, 29, true),
            // cert-manager renews at two thirds, and so does the webhook's keeper.
            (90, 30, false),
            (90, 20, true),
            (30, 10, false),
            (30, 7, true),
        ] {
            assert_eq!(
                !alarms(days, left).is_empty(),
                alarm,
                "{left} of {days} days are left"
            );
        }
        assert_eq!(alarms(90, 20), ["grpc: the certificate expires in 20 days"]);
        assert_eq!(alarms(90, 0), ["grpc: the certificate has expired"]);
    }

    #[test]
    fn a_refusal_stands_until_something_is_taken() {
        let certificates = Certificates::default();
        let far = Life {
            begins: 0,
            ends: 365 * DAY,
        };
        certificates.refused("grpc", "keys may not be consistent");
        let alarms = certificates.alarms(0);
        assert!(
            matches!(&alarms[..], [one] if one.contains("the last good ones stay in force")),
            "{alarms:?}"
        );
        certificates.in_force("grpc", &[("certificate", far)]);
        assert!(certificates.alarms(0).is_empty());
    }
}
