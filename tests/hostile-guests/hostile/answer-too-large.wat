;; Four lists of 1.2 million rows.
;; expect: run Resource data from guest to host
;; limits: hostcall_mib=1
;; declarations
(data (i32.const 3072) "\00\00\00\00\00\00\01\00\80\4f\12\00\00\00\01\00\00\00\00\00\00\00\01\00\80\4f\12\00\00\00\01\00\80\4f\12\00\00\00\01\00\80\4f\12\00\00\00\01\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\01\00\00\00\00\00")
(data (i32.const 8192) "")
;; body
(drop (memory.grow (i32.const 200))) (call $drop (local.get 0)) (i32.const 3072)
