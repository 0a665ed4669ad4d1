//! A response to the text of a result.

use crate::given;
use c2c_proto::frame::MailCount;
use c2c_shim::render;
use c2c_shim::tools::View;
use divan::Bencher;

#[divan::bench]
fn text_of_20_messages(bencher: Bencher<'_, '_>) {
    let page = given::page();
    let mail = Some(MailCount { unread: 31, new: 11 });
    bencher
        .with_inputs(|| page.clone())
        .bench_local_values(|page| render::response(&View::Inbox { downward: false }, page, mail));
}
