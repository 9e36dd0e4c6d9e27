;; Asks for 200,000 texts again and again.
;; expect: run Deadline
;; limits: fuel=max deadline_ms=50
;; realloc
(if (i32.lt_u (memory.size) (i32.const 60)) (then (drop (memory.grow (i32.const 60)))))
(i32.const 1048576)
;; body
(drop (memory.grow (i32.const 20)))
(loop $again (call $resolve (local.get 0) (i32.const 65536) (i32.const 200000) (i32.const 512)) (br $again)) (i32.const 1024)
