;; Copies memory onto itself.
;; expect: run Deadline
;; limits: fuel=max deadline_ms=50
;; body
(drop (memory.grow (i32.const 32)))
(loop $again (memory.copy (i32.const 65536) (i32.const 65540) (i32.const 2000000)) (br $again))
(i32.const 1024)
