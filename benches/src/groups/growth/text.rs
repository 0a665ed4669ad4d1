//! What the messages of a store say: words that are drawn from a language of some thousands, a few of them often.

use c2c_harness::Seed;

/// A word of every message.
pub(super) const COMMON: &str = "the";
/// A word of one in [`RARE_ONE_IN`] messages.
pub(super) const RARE: &str = "quokka";
const RARE_ONE_IN: usize = 10_000;
/// About so long is each message.
const BODY_BYTES: usize = 200;
const WORDS: usize = 4_000;
const SYLLABLES: [&str; 16] =
    ["ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "wo", "xu", "ze"];
const TAGS: [&str; 8] = ["build", "deploy", "docs", "plan", "question", "review", "status", "test"];
const TAG_ONE_IN: usize = 3;

/// The text of a message.
pub(super) fn body(chance: &mut Seed) -> String {
    let mut body = COMMON.to_owned();
    if chance.below(RARE_ONE_IN) == 0 {
        body.push(' ');
        body.push_str(RARE);
    }
    while body.len() < BODY_BYTES {
        body.push(' ');
        // The product of two draws is a small number more often than a great one.
        word(chance.below(WORDS) * chance.below(WORDS) / WORDS, &mut body);
    }
    body
}

/// The text of a message with both words that are searched for.
pub(super) fn body_with_both(chance: &mut Seed) -> String {
    format!("{RARE} {}", body(chance))
}

/// The tag of a message, if it has one.
pub(super) fn tag(chance: &mut Seed) -> Option<String> {
    (chance.below(TAG_ONE_IN) == 0).then(|| TAGS[chance.below(TAGS.len())].to_owned())
}

/// Each number is another word.
fn word(mut number: usize, body: &mut String) {
    loop {
        body.push_str(SYLLABLES[number % SYLLABLES.len()]);
        number /= SYLLABLES.len();
        if number == 0 {
            return;
        }
    }
}
