//! Stories: end-to-end tests of one process are told one after the other, each with its time.

use crate::Result;
use crate::skip;
use tokio::sync::Mutex;

/// A control plane at a time: two cores carry no more.
static STAGE: Mutex<()> = Mutex::const_new(());

/// Tells one story after the others.
///
/// # Panics
/// Where the story fails.
#[expect(clippy::print_stdout, reason = "said where the test is seen")]
pub async fn tell(name: &str, story: impl Future<Output = Result<()>>) {
    let _stage = STAGE.lock().await;
    let began = std::time::Instant::now();
    let told = story.await;
    assert!(
        told.is_ok(),
        "{name}: {}",
        told.err().map_or_else(String::new, |e| e.to_string())
    );
    println!("{name}: {:.1}s", began.elapsed().as_secs_f32());
}

/// Whether none of these tools is missing; the story is skipped otherwise.
pub fn can_be_told<const N: usize, T>(name: &str, tools: [std::result::Result<T, String>; N]) -> bool {
    for tool in tools {
        if let Err(why) = tool {
            skip::skip(name, &why);
            return false;
        }
    }
    true
}
