//! `--policy FILE.wasm[=CONFIG.json]`, as plan, simulate and replay take it.

use std::path::PathBuf;
use std::str::FromStr;

/// One `--policy` argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyArg {
    /// The component.
    pub(crate) file: PathBuf,
    /// Its configuration, JSON.
    pub(crate) config: Option<PathBuf>,
}

impl FromStr for PolicyArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (file, config) = match text.split_once('=') {
            None => (text, None),
            Some((_, "")) => return Err("a configuration file is missing after `=`".to_owned()),
            Some((file, config)) => (file, Some(config.into())),
        };
        if file.is_empty() {
            return Err("FILE.wasm[=CONFIG.json] is wanted".to_owned());
        }
        Ok(Self {
            file: file.into(),
            config,
        })
    }
}
