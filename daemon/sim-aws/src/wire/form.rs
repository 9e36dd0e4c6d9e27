//! Parameters of the query protocols: `Filters.member.1.Name=…`, `InstanceId.1=…`.
//!
//! Not here: JSON bodies.

use std::collections::BTreeMap;

/// Parameters, or those below one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// Of a body.
    pub(crate) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// A value; an empty one is none.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.0
            .get(key)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    }

    /// A number.
    pub(crate) fn number(&self, key: &str) -> Option<u32> {
        self.text(key)?.parse().ok()
    }

    /// A flag.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.text(key) == Some("true")
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Parameters below a name.
    pub(crate) fn below(&self, name: &str) -> Self {
        let prefix = format!("{name}.");
        let of =
            |(key, value): (&String, &String)| Some((key.strip_prefix(&prefix)?.to_owned(), value.clone()));
        Self(self.0.iter().filter_map(of).collect())
    }

    /// Entries of a list of values: `NAME.1`, `NAME.2`, …, with or without `member`.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        self.numbered(name, |form, key| form.text(key).map(str::to_owned))
    }

    /// Entries of a list of structures.
    pub(crate) fn items(&self, name: &str) -> Vec<Self> {
        self.numbered(name, |form, key| {
            Some(form.below(key)).filter(|item| !item.0.is_empty())
        })
    }

    fn numbered<T>(&self, name: &str, read: impl Fn(&Self, &str) -> Option<T>) -> Vec<T> {
        for prefix in [format!("{name}.member"), name.to_owned()] {
            let entries: Vec<T> = (1..)
                .map_while(|n| read(self, &format!("{prefix}.{n}")))
                .collect();
            if !entries.is_empty() {
                return entries;
            }
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_both_query_protocols() {
        let form = Form::parse(b"Filters.member.1.Name=tag-key&Filters.member.1.Values.member.1=a&InstanceId.1=i-1&InstanceId.2=i-2");
        let filters = form.items("Filters");
        assert_eq!(filters.len(), 1);
        assert_eq!(filters[0].text("Name"), Some("tag-key"));
        assert_eq!(filters[0].values("Values"), ["a"]);
        assert_eq!(form.values("InstanceId"), ["i-1", "i-2"]);
        assert!(form.values("Nothing").is_empty());
    }
}
