;; Writes to every page that it gets.
;; expect: run Resource memory
;; limits: fuel=max deadline_ms=5000
;; body
(local $at i32)
(loop $again (local.set $at (i32.mul (memory.grow (i32.const 16)) (i32.const 65536)))
(memory.fill (local.get $at) (i32.const 1) (i32.const 1048576)) (br $again)) (i32.const 1024)
