;; Explains 4,000 bytes for ever.
;; expect: run Fuel
;; body
(loop $again (call $explain (i32.const 1) (i32.const 1) (i32.const 4096) (i32.const 4000)) (br $again)) (i32.const 1024)
