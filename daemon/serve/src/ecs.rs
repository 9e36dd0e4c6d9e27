//! ECS as it was read last, page by page.
//!
//! A page ends before it grows too large for an answer; its token names the reading and the next document, so that
//! two readings are never mixed. Not here: reading it, and what it comes to.

use crate::limits;
use model::beside::EcsPicture;
use proto::v1;
use tonic::Status;

/// The page that the token stands for; empty: the first.
pub(crate) fn page(picture: &EcsPicture, token: &str) -> Result<v1::GetEcsResponse, Status> {
    let from = match token {
        "" => 0,
        token => next(picture, token)?,
    };
    let mut bytes = 0;
    let fits = |document: &&String| {
        bytes += document.len();
        bytes <= limits::PAGE_BYTES
    };
    let rest = picture.documents.get(from..).unwrap_or_default();
    let mut documents: Vec<String> = rest.iter().take_while(fits).cloned().collect();
    if documents.is_empty() {
        // One that is too large by itself goes alone: better a long answer than none.
        documents.extend(rest.first().cloned());
    }
    let next = from + documents.len();
    let more = next < picture.documents.len();
    Ok(v1::GetEcsResponse {
        at_millis: picture.at.0,
        clusters: picture.clusters,
        services: picture.services,
        tasks: picture.tasks,
        instances: picture.instances,
        trouble: picture.trouble.clone(),
        documents,
        next_page_token: if more {
            format!("{}/{next}", picture.at.0)
        } else {
            String::new()
        },
    })
}

fn next(picture: &EcsPicture, token: &str) -> Result<usize, Status> {
    let parts = token.split_once('/');
    let parts = parts.and_then(|(at, next)| Some((at.parse::<i64>().ok()?, next.parse::<usize>().ok()?)));
    let (at, next) =
        parts.ok_or_else(|| Status::invalid_argument("page_token is not one that was given out"))?;
    if at != picture.at.0 {
        return Err(Status::aborted("ECS was read anew meanwhile: begin again"));
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Instant;
    use tonic::Code;

    #[test]
    fn pages_hold_every_document_once_and_never_mix_readings() {
        let document = |number: usize| format!("{number}{}", " ".repeat(limits::PAGE_BYTES / 3));
        let mut picture = EcsPicture {
            at: Instant(7),
            tasks: 3,
            documents: (0..7).map(document).collect(),
            ..EcsPicture::default()
        };
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let page = page(&picture, &token).unwrap();
            assert!(!page.documents.is_empty() && page.documents.len() <= 2 && page.tasks == 3);
            all.extend(page.documents);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(all, picture.documents);
        picture.at = Instant(8);
        assert_eq!(page(&picture, "7/2").unwrap_err().code(), Code::Aborted);
        assert_eq!(page(&picture, "x").unwrap_err().code(), Code::InvalidArgument);
        assert!(page(&picture, "8/99").unwrap().documents.is_empty());
        picture.documents = vec![" ".repeat(limits::PAGE_BYTES + 1)];
        assert_eq!(page(&picture, "").unwrap().documents.len(), 1);
    }
}
