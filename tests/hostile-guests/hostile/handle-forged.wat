;; Reads a view of a number that it made up.
;; expect: run Trap
;; body
(drop (call $now-ms (i32.const 77)))(call $drop (local.get 0)) (i32.const 1024)
