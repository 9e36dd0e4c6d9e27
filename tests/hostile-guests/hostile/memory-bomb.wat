;; Wants 125 MiB at once.
;; expect: run Resource memory
;; body
(drop (memory.grow (i32.const 2000)))(call $drop (local.get 0)) (i32.const 1024)
