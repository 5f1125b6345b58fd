;; Goes over 64-bit entries that rise by the same step, eight at a time.
;; simd.wasm.ts is made from this file by `npm run wasm`.
(module
  (import "host" "memory" (memory 8))

  ;; $work: 0 compares entries in the order of this machine's bytes, which is little-endian; 1 compares entries in the order
  ;; of the file, which is big-endian; 2 writes entries in the order of the file.
  ;; $at, $stop: offsets in the memory, in bytes.
  ;; $low, $high: the halves of the entry that is expected first. $step: by how much each exceeds the one before.
  ;; Returns where eight entries are not as expected, or fewer than eight are left.
  (func (export "goOver")
    (param $work i32) (param $at i32) (param $stop i32) (param $low i32) (param $high i32) (param $step i32)
    (result i32)
    (local $entry i64) (local $by i64)
    ;; Four pairs of expected entries, and what each is raised by for the next eight.
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $eight v128)

    (local.set $by (i64.extend_i32_u (local.get $step)))
    (local.set $entry
      (i64.or
        (i64.shl (i64.extend_i32_u (local.get $high)) (i64.const 32))
        (i64.extend_i32_u (local.get $low))))
    (local.set $a
      (i64x2.replace_lane 1 (i64x2.splat (local.get $entry)) (i64.add (local.get $entry) (local.get $by))))
    (local.set $b (i64x2.add (local.get $a) (i64x2.splat (i64.shl (local.get $by) (i64.const 1)))))
    (local.set $c (i64x2.add (local.get $a) (i64x2.splat (i64.shl (local.get $by) (i64.const 2)))))
    (local.set $d (i64x2.add (local.get $b) (i64x2.splat (i64.shl (local.get $by) (i64.const 2)))))
    (local.set $eight (i64x2.splat (i64.shl (local.get $by) (i64.const 3))))

    (block $done
      (if (i32.eq (local.get $work) (i32.const 0)) (then
        (loop $next
          (br_if $done (i32.gt_u (i32.add (local.get $at) (i32.const 64)) (local.get $stop)))
          (br_if $done (v128.any_true (v128.or
            (v128.or
              (v128.xor (v128.load (local.get $at)) (local.get $a))
              (v128.xor (v128.load offset=16 (local.get $at)) (local.get $b)))
            (v128.or
              (v128.xor (v128.load offset=32 (local.get $at)) (local.get $c))
              (v128.xor (v128.load offset=48 (local.get $at)) (local.get $d))))))
          (local.set $a (i64x2.add (local.get $a) (local.get $eight)))
          (local.set $b (i64x2.add (local.get $b) (local.get $eight)))
          (local.set $c (i64x2.add (local.get $c) (local.get $eight)))
          (local.set $d (i64x2.add (local.get $d) (local.get $eight)))
          (local.set $at (i32.add (local.get $at) (i32.const 64)))
          (br $next))))
      (if (i32.eq (local.get $work) (i32.const 1)) (then
        (loop $next
          (br_if $done (i32.gt_u (i32.add (local.get $at) (i32.const 64)) (local.get $stop)))
          (br_if $done (v128.any_true (v128.or
            (v128.or
              (v128.xor
                (v128.load (local.get $at))
                (i8x16.shuffle 7 6 5 4 3 2 1 0 15 14 13 12 11 10 9 8 (local.get $a) (local.get $a)))
              (v128.xor
                (v128.load offset=16 (local.get $at))
                (i8x16.shuffle 7 6 5 4 3 2 1 0 15 14 13 12 11 10 9 8 (local.get $b) (local.get $b))))
            (v128.or
              (v128.xor
                (v128.load offset=32 (local.get $at))
                (i8x16.shuffle 7 6 5 4 3 2 1 0 15 14 13 12 11 10 9 8 (local.get $c) (local.get $c)))
              (v128.xor
                (v128.load offset=48 (local.get $at))
                (i8x16.shuffle 7 6 5 4 3 2 1 0 15 14 13 12 11 10 9 8 (local.get $d) (local.get $d)))))))
          (local.set $a (i64x2.add (local.get $a) (local.get $eight)))
          (local.set $b (i64x2.add (local.get $b) (local.get $eight)))
          (local.set $c (i64x2.add (local.get $c) (local.get $eight)))
          (local.set $d (i64x2.add (local.get $d) (local.get $eight)))
          (local.set $at (i32.add (local.get $at) (i32.const 64)))
          (br $next))))
      (loop $next
        (br_if $done (i32.gt_u (i32.add (local.get $at) (i32.const 64)) (local.get $stop)))
        (v128.store (local.get $at)
          (i8x16.shuffle 7 6 5 4 3 2 1 0 15 14 13 12 11 10 9 8 (local.get $a) (local.get $a)))
        (v128.store offset=16 (local.get $at)
          (i8x16.shuffle 7 6 5 4 3 2 1 0 15 14 13 12 11 10 9 8 (local.get $b) (local.get $b)))
        (v128.store offset=32 (local.get $at)
          (i8x16.shuffle 7 6 5 4 3 2 1 0 15 14 13 12 11 10 9 8 (local.get $c) (local.get $c)))
        (v128.store offset=48 (local.get $at)
          (i8x16.shuffle 7 6 5 4 3 2 1 0 15 14 13 12 11 10 9 8 (local.get $d) (local.get $d)))
        (local.set $a (i64x2.add (local.get $a) (local.get $eight)))
        (local.set $b (i64x2.add (local.get $b) (local.get $eight)))
        (local.set $c (i64x2.add (local.get $c) (local.get $eight)))
        (local.set $d (i64x2.add (local.get $d) (local.get $eight)))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $next)))
    (local.get $at)))
