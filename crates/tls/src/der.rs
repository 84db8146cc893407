//! The few parts of a certificate that are needed beside the chain's check. RFC 5280, section 4.1.
//!
//! A certificate comes from outside: whatever does not fit is `None`.

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// What is left of a run of values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Der<'a>(&'a [u8]);

/// One value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

impl<'a> Der<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next value of this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Option<Value<'a>> {
        let mut ahead = *self;
        let value = ahead.next().filter(|value| value.tag == tag)?;
        *self = ahead;
        Some(value)
    }
}

impl<'a> Iterator for Der<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first & 0x80 != 0 {
            let bytes = usize::from(first & 0x7f);
            if !(1..=4).contains(&bytes) {
                return None;
            }
            length = rest.get(..bytes)?.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
            rest = rest.get(bytes..)?;
        }
        let content = rest.get(..length)?;
        let after = rest.get(length..)?;
        let whole = self.0.get(..self.0.len() - after.len())?;
        self.0 = after;
        Some(Value { tag, content, whole })
    }
}

/// A certificate's parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    /// The algorithm that signed it, and its parameters.
    pub(crate) algorithm: &'a [u8],
    /// Seconds since 1970: from when and until when.
    pub(crate) valid: (u64, u64),
    subject: &'a [u8],
    /// The public key, as a SubjectPublicKeyInfo.
    pub(crate) key: &'a [u8],
    extensions: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(crate) fn read(certificate: &'a [u8]) -> Option<Self> {
        let mut outer = Der::new(Der::new(certificate).expect(SEQUENCE)?.content);
        let mut body = Der::new(outer.expect(SEQUENCE)?.content);
        let algorithm = outer.expect(SEQUENCE)?.content;
        body.expect(VERSION);
        let _serial = body.next()?;
        let _algorithm = body.expect(SEQUENCE)?;
        let _issuer = body.expect(SEQUENCE)?;
        let mut validity = Der::new(body.expect(SEQUENCE)?.content);
        let valid = (time(validity.next()?)?, time(validity.next()?)?);
        let subject = body.expect(SEQUENCE)?.content;
        let key = body.expect(SEQUENCE)?.whole;
        let extensions = body.find(|value| value.tag == EXTENSIONS).map_or(&[][..], |value| value.content);
        Some(Self { algorithm, valid, subject, key, extensions })
    }

    /// The subject's common name: the first one, where there are several.
    pub(crate) fn common_name(&self) -> Option<&'a str> {
        let attributes = Der::new(self.subject).filter(|value| value.tag == SET);
        let mut names = attributes.flat_map(|set| Der::new(set.content)).filter_map(|pair| {
            let mut pair = Der::new(pair.content);
            let kind = pair.expect(OID)?.content;
            let text = pair.next()?.content;
            (kind == COMMON_NAME).then_some(text)
        });
        std::str::from_utf8(names.next()?).ok().filter(|name| !name.contains('\0'))
    }

    /// It says in the newer way whom it is for.
    pub(crate) fn has_alternative_names(&self) -> bool {
        let Some(list) = Der::new(self.extensions).expect(SEQUENCE) else { return false };
        Der::new(list.content)
            .any(|one| Der::new(one.content).expect(OID).is_some_and(|oid| oid.content == SUBJECT_ALT_NAME))
    }
}

/// `260131120000Z` or `20260131120000Z`, in seconds since 1970. Earlier is 0.
fn time(value: Value<'_>) -> Option<u64> {
    let text = std::str::from_utf8(value.content).ok()?.strip_suffix('Z')?;
    let (year, rest) = match value.tag {
        UTC_TIME => {
            let year: u64 = text.get(..2)?.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text.get(2..)?)
        }
        GENERALIZED_TIME => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<u64>().ok();
    let (month, day, hour, minute, second) = (part(0)?, part(2)?, part(4)?, part(6)?, part(8)?);
    if rest.len() != 10 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if year < 1970 {
        return Some(0);
    }
    // The year begins in March, so that the leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    const DAYS_TO_1970: u64 = 719_468;
    Some((days - DAYS_TO_1970) * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tag: u8, text: &str) -> Option<u64> {
        time(Value { tag, content: text.as_bytes(), whole: &[] })
    }

    #[test]
    fn both_forms_of_a_time_are_read() {
        assert_eq!(at(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(at(UTC_TIME, "260131120001Z"), Some(1_769_860_801));
        assert_eq!(at(GENERALIZED_TIME, "20240229000000Z"), Some(1_709_164_800));
        assert_eq!(at(GENERALIZED_TIME, "40960101000000Z"), Some(67_090_118_400));
        for wrong in ["260131120001", "26013112Z", "261331120001Z", ""] {
            assert_eq!(at(UTC_TIME, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_certificate_is_taken_apart_and_a_torn_one_is_none() {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(vec!["db.internal".into()]).expect("a name");
        params.distinguished_name.push(rcgen::DnType::CommonName, "shop");
        let made = params.self_signed(&key).expect("a certificate");
        let parts = Parts::read(made.der()).expect("it is a certificate");
        assert_eq!(parts.common_name(), Some("shop"));
        assert!(parts.has_alternative_names());
        assert!(parts.valid.0 < parts.valid.1);
        for end in 0..made.der().len() {
            assert!(Parts::read(&made.der()[..end]).is_none(), "{end} bytes");
        }
    }
}
