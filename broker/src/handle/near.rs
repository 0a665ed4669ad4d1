//! Known names that resemble one that nobody holds: a message to a misspelt name is queued, but its sender is told.

use crate::Broker;
use crate::store::Stored;
use c2c_proto::message::To;
use c2c_proto::name::fold;
use c2c_proto::response::Near;
use c2c_proto::{Error, ErrorCode};

/// How many names are suggested.
const SUGGESTIONS: usize = 3;
/// For how many of the names of one question.
const ADVICES: usize = 5;
/// From this likeness on (1 is the same) a name is worth suggesting.
const LIKENESS_MIN: f64 = 0.75;
/// From this length on, in characters, one slip of the finger (a character wrong, missing, added or swapped with the
/// next) is worth a suggestion; in shorter names one is half of them.
const SLIP_MIN_CHARS: usize = 3;

/// For each recipient that is not known, what was perhaps meant. Advice only: the message is stored, so where the names
/// cannot be read there is none, and no error.
pub(super) async fn names(broker: &Broker, stored: &Stored) -> Vec<Near> {
    let unknown: Vec<&str> = stored
        .recipients
        .iter()
        .filter(|stored| !stored.recipient.known)
        .map(|stored| stored.recipient.name.as_str())
        .collect();
    if unknown.is_empty() {
        return Vec::new();
    }
    let known = match broker.store.known_names().await {
        Ok(known) => known,
        Err(error) => {
            tracing::warn!(%error, "no names that resemble those of a message's recipients can be told");
            return Vec::new();
        }
    };
    unknown
        .into_iter()
        .map(|name| Near { name: name.to_owned(), known: like(name, &known) })
        .filter(|near| !near.known.is_empty())
        .collect()
}

/// `not_found` for names that nobody holds, with what was perhaps meant in its hint; other errors stay as they are.
pub(super) async fn advised(broker: &Broker, error: Error, to: Option<&To>) -> Error {
    let names = match to {
        Some(To::One(name)) => std::slice::from_ref(name),
        Some(To::Many(names)) => names,
        Some(To::Everyone) | None => &[],
    };
    if error.code != ErrorCode::NotFound || names.is_empty() {
        return error;
    }
    // Whoever cannot be given advice still gets the error.
    let Ok(known) = broker.store.known_names().await else { return error };
    let advice: Vec<String> = names.iter().filter_map(|name| advice(name, &known)).take(ADVICES).collect();
    if advice.is_empty() {
        return error;
    }
    Error { hint: format!("{}; {}", advice.join("; "), error.hint), ..error }
}

fn advice(name: &str, known: &[String]) -> Option<String> {
    let like: Vec<String> = like(name, known).iter().map(|known| format!("{known:?}")).collect();
    (!like.is_empty()).then(|| format!("{name:?} may be {}", like.join(" or ")))
}

fn like(name: &str, known: &[String]) -> Vec<String> {
    let wanted = fold(name);
    let mut ranked: Vec<(bool, f64, &String)> = known
        .iter()
        .map(|known| {
            let folded = fold(known);
            (is_slip(&wanted, &folded), strsim::jaro_winkler(&wanted, &folded), known)
        })
        .filter(|(slip, likeness, _)| *slip || *likeness >= LIKENESS_MIN)
        .collect();
    ranked.sort_by(|left, right| right.0.cmp(&left.0).then(right.1.total_cmp(&left.1)));
    ranked.into_iter().take(SUGGESTIONS).map(|(_, _, known)| known.clone()).collect()
}

/// Whether one slip of the finger makes one name of the other.
fn is_slip(wanted: &str, known: &str) -> bool {
    let (wanted_chars, known_chars) = (wanted.chars().count(), known.chars().count());
    wanted_chars >= SLIP_MIN_CHARS
        && wanted_chars.abs_diff(known_chars) <= 1
        && strsim::damerau_levenshtein(wanted, known) <= 1
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn a_slip_of_the_finger_finds_the_name() {
        let known = ["online".to_owned(), "local".to_owned(), "review".to_owned()];
        assert_eq!(like("onlien", &known), ["online"]);
        assert_eq!(like("Locla", &known), ["local"]);
        assert_eq!(like("zebra", &known), Vec::<String>::new());
    }

    #[test]
    fn short_names_are_found_too_the_nearest_first() {
        let known = ["web", "webshop", "sub", "db", "api"].map(str::to_owned);
        assert_eq!(like("wbe", &known), ["web"]);
        assert_eq!(like("SBU", &known), ["sub"]);
        assert_eq!(like("webs", &known), ["web", "webshop"]);
        assert_eq!(like("pi", &known), Vec::<String>::new());
    }
}
