;; Reads a view that it gave back.
;; expect: run Trap
;; body
(call $drop (local.get 0)) (drop (call $now-ms (local.get 0))) (i32.const 1024)
