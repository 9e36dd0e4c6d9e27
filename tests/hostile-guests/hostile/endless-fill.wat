;; Writes two MiB of memory again and again: much work in few instructions.
;; expect: run Deadline
;; limits: fuel=max deadline_ms=50
;; body
(drop (memory.grow (i32.const 32)))
(loop $again (memory.fill (i32.const 65536) (i32.const 7) (i32.const 2000000)) (br $again))
(i32.const 1024)
