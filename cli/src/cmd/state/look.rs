//! `c2c state get` and `ls`: looking, which needs no name and makes nothing.

use crate::entries;
use crate::exit::Exit;
use crate::link::Link;
use crate::print::json_text;
use crate::shape::{self, ShownEntry};
use crate::text::{Paint, shortened, visible};
use crate::values::compact;
use c2c_proto::Error;
use c2c_proto::response::Entry;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// A value in the list, in characters.
const VALUE_MAX_CHARS: usize = 60;

pub(super) async fn get(key: &str, json: bool) -> anyhow::Result<Exit> {
    let link = Link::look_on()?;
    let (state, as_of) = entries::one(&link, key).await?;
    let Some(entry) = state.entry else {
        let hint = "`c2c state ls` lists the keys that there are";
        return Err(Error::not_found(format!("there is no entry {key:?}, or it has expired"), hint).into());
    };
    let text = if json {
        json_text(&Dated { what: shape::entry(&entry), as_of: as_of.map(|at| at.to_string()) })
    } else {
        compact(entry.value.as_deref().unwrap_or("null"))
    };
    writeln!(io::stdout(), "{text}")?;
    Ok(Exit::Done)
}

pub(super) async fn list(prefix: &str, json: bool) -> anyhow::Result<Exit> {
    let link = Link::look_on()?;
    let (entries, as_of) = entries::all(&link, prefix).await?;
    let text = if json {
        let entries: Vec<ShownEntry<'_>> = entries.iter().map(shape::entry).collect();
        let what = BTreeMap::from([("entries", entries)]);
        format!("{}\n", json_text(&Dated { what, as_of: as_of.map(|at| at.to_string()) }))
    } else {
        table(&entries, Paint::for_stdout())
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

/// With when it was so, where what all machines share may be another one by now.
#[derive(Serialize)]
struct Dated<T: Serialize> {
    #[serde(flatten)]
    what: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<String>,
}

/// Key, version, whose, and the value.
fn table(entries: &[Entry], paint: Paint) -> String {
    let keys: Vec<String> = entries.iter().map(|entry| visible(&entry.state_key)).collect();
    let wide = |texts: &[String]| texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
    let versions: Vec<String> = entries.iter().map(|entry| entry.version.to_string()).collect();
    let owners: Vec<String> = entries.iter().map(|entry| visible(&entry.updated_by)).collect();
    let (key_wide, version_wide, owner_wide) = (wide(&keys), wide(&versions), wide(&owners));
    let rows = entries.iter().zip(&keys).zip(versions.iter().zip(&owners));
    rows.map(|((entry, key), (version, owner))| {
        let value = match &entry.value {
            Some(value) => shortened(&compact(value), VALUE_MAX_CHARS),
            None => paint.dim(&format!("({} characters)", entry.value_chars)),
        };
        let until = entry.expires_at.map_or_else(String::new, |at| paint.dim(&format!("  until {at}")));
        format!("{key:<key_wide$}  {version:>version_wide$}  {owner:<owner_wide$}  {value}{until}\n")
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::table;
    use crate::text::Paint;
    use c2c_proto::response::Entry;
    use c2c_proto::time::Timestamp;

    #[test]
    fn a_person_gets_a_table_in_which_nothing_is_obeyed() {
        let entry = |key: &str, value: Option<&str>, version, expires_at: Option<i64>| Entry {
            state_key: key.to_owned(),
            value: value.map(str::to_owned),
            value_chars: 2_001,
            version,
            updated_at: Timestamp(0),
            updated_by: "api".to_owned(),
            expires_at: expires_at.map(Timestamp),
        };
        insta::assert_snapshot!(table(
            &[
                entry("build/status", Some("{\"green\": true}"), 7, None),
                entry("deploy\u{1b}[2J", Some("\"\u{9b}\""), 112, Some(1_795_355_401_000_000)),
                entry("long", None, 8, None),
            ],
            Paint::plain()
        ));
    }
}
