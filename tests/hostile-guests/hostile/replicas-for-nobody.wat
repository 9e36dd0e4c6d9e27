;; Replicas of a workload that is not there.
;; expect: run Nonsense workload row 99; there are
;; hook: scaler
;; declarations
(data (i32.const 3072) "\00\00\00\00\00\20\00\00\01\00\00\00\04\20\00\00\01\00\00\00\04\20\00\00\01\00\00\00")
(data (i32.const 8192) "\63\00\00\00\01\00\00\00")
;; body
(call $drop (local.get 0)) (i32.const 3072)
