;; The same with fuel for ever: its memory ends first.
;; expect: run Resource memory
;; limits: fuel=max memory_mib=4
;; body
(loop $again (call $class-cpu (local.get 0) (i32.const 0) (i32.const -1) (i32.const 512)) (br $again)) (i32.const 1024)
