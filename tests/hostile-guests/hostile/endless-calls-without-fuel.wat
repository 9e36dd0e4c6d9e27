;; The same with fuel for ever.
;; expect: run Deadline
;; limits: fuel=max deadline_ms=50
;; body
(loop $again (drop (call $now-ms (local.get 0))) (br $again)) (i32.const 1024)
