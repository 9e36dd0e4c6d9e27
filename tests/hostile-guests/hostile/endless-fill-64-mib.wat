;; Writes all the memory there is, in one instruction at a time.
;; expect: run Deadline
;; limits: fuel=max deadline_ms=50
;; body
(drop (memory.grow (i32.const 1000)))
(loop $again (memory.fill (i32.const 65536) (i32.const 7) (i32.const 65536000)) (br $again))
(i32.const 1024)
