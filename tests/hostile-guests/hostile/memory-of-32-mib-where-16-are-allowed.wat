;; Wants more than its own limit, not the pool's.
;; expect: run Resource memory
;; limits: memory_mib=16
;; body
(drop (memory.grow (i32.const 512)))(call $drop (local.get 0)) (i32.const 1024)
