#!/bin/sh
# Makes the sample clips of this folder again, with ffmpeg and its public encoders (libx264, libx265,
# libvpx, libaom, mpeg2video). Only generated pictures go in. One thread and bitexact: the same encoder
# versions write the same bytes; other versions write other bytes of the same kind.
#
#   make_clips.sh [FOLDER [CLIP]]     default: this script's folder, all clips
set -eu
folder=${1:-$(dirname "$0")}
only=${2:-}
mkdir -p "$folder"

# encode CLIP GRAPH ENCODER-OPTIONS...
encode() {
  clip=$1 graph=$2
  shift 2
  [ -z "$only" ] || [ "$only" = "$clip" ] || return 0
  ffmpeg -hide_banner -loglevel error -nostdin -y -filter_complex_threads 1 -filter_complex "$graph" \
    -map_metadata -1 -threads 1 "$@" -fflags +bitexact -flags:v +bitexact "$folder/$clip"
  ls -l "$folder/$clip"
}

# The same in two passes, without which libvpx makes no hidden (alternate reference) frames.
encode_twice() {
  log=$(mktemp -d)
  mkdir "$log/1"
  (folder=$log/1 && encode "$@" -pass 1 -passlogfile "$log/log" >/dev/null)
  encode "$@" -pass 2 -passlogfile "$log/log"
  rm -r "$log"
}

size=320x180

# A zoom into the Mandelbrot set.
encode h264.mp4 \
  "mandelbrot=s=$size:r=25:maxiter=400:start_x=-0.743643887:start_y=-0.131825904:start_scale=3:
   end_scale=0.03:end_pts=60:inner=mincol,trim=end_frame=60,format=yuv420p" \
  -c:v libx264 -profile:v high -preset slow -b:v 400k -g 30 -bf 3 -refs 4 \
  -x264-params "b-pyramid=normal:weightp=2:slices=4:8x8dct=1"

# The test card, scrolling: the two fields of a frame are half a frame of motion apart.
encode h264_interlaced.mp4 \
  "testsrc2=s=352x288:r=50,trim=end_frame=100,scroll=h=0.006,interlace=scan=tff,format=yuv420p" \
  -c:v libx264 -profile:v high -preset slow -b:v 480k -g 25 -bf 2 -flags +ildct+ilme \
  -x264-params "interlaced=1:tff=1"

# Conway's game of life before a turning sky.
encode_twice vp9.webm \
  "life=s=80x45:r=25:mold=25:life_color=#ffd060:death_color=#203050:mold_color=#081830:seed=7:ratio=0.25,
   format=gbrp,scale=$size:flags=neighbor,trim=end_frame=60[cells];
   gradients=s=$size:r=25:c0=#100030:c1=#802060:c2=#e06030:nb_colors=3:speed=0.03:seed=3,
   trim=end_frame=60,format=gbrp[sky];[sky][cells]blend=all_mode=screen,format=yuv420p" \
  -c:v libvpx-vp9 -b:v 380k -g 30 -deadline good -cpu-used 1 -auto-alt-ref 1 -lag-in-frames 16

# Smooth shades, of which eight bits would show the steps.
encode_twice vp9_10bit.webm \
  "color=s=$size:r=25,format=yuv420p10,trim=end_frame=50,
   geq=lum='512+380*sin(X/41+N/9)*cos(Y/29-N/13)':cb='512+300*sin((X+Y)/67+N/11)':cr='512+300*cos((X-Y)/53-N/8)'" \
  -c:v libvpx-vp9 -profile:v 2 -b:v 300k -g 25 -deadline good -cpu-used 1 -auto-alt-ref 1 -lag-in-frames 16

# Plasma: four waves that run through each other.
encode_twice vp8.webm \
  "color=s=$size:r=25,format=gbrp,trim=end_frame=60,
   geq=r='128+127*sin(X/23+N/7+2*sin(Y/31+N/11))':g='128+127*sin(Y/19-N/9+2*sin(X/37))':b='128+127*sin(hypot(X-160,Y-90)/15-N/5)',
   format=yuv420p" \
  -c:v libvpx -b:v 420k -g 30 -deadline good -cpu-used 1 -auto-alt-ref 1 -lag-in-frames 16

# A flight through a tunnel of tiles.
encode mpeg2.mpg \
  "color=s=$size:r=25,format=gbrp,trim=end_frame=60,
   geq=r='st(0,4000/(8+hypot(X-160,Y-90)));st(1,atan2(Y-90,X-160)*5+N/14);
          min(255,hypot(X-160,Y-90)*1.7)*(0.55+0.45*sin(ld(0)/3+N/2)*sin(2*ld(1)))':
       g='st(0,4000/(8+hypot(X-160,Y-90)));min(255,hypot(X-160,Y-90)*1.3)*(0.5+0.5*sin(ld(0)/9+N/6))':
       b='90+min(165,hypot(X-160,Y-90))*(0.5+0.5*sin(atan2(Y-90,X-160)*2-N/10))',
   format=yuv420p" \
  -c:v mpeg2video -b:v 390k -maxrate 900k -bufsize 400k -g 12 -bf 2 -f vob

# Rings of light on water.
encode hevc.mp4 \
  "color=s=$size:r=25,format=gbrp,trim=end_frame=60,
   geq=r='40+60*(1+sin(hypot(X-90-40*sin(N/13),Y-70)/6-N/3))*exp(-hypot(X-90-40*sin(N/13),Y-70)/90)':
       g='100+50*sin(hypot(X-90-40*sin(N/13),Y-70)/6-N/3)+45*sin(hypot(X-230,Y-120-30*cos(N/11))/8-N/4)':
       b='140+50*sin(hypot(X-90-40*sin(N/13),Y-70)/6-N/3)+60*sin(hypot(X-230,Y-120-30*cos(N/11))/8-N/4)',
   format=yuv420p" \
  -c:v libx265 -preset slow -b:v 330k -tag:v hvc1 \
  -x265-params "keyint=30:min-keyint=30:bframes=4:b-pyramid=1:ref=4:weightp=1:open-gop=1:slices=1:wpp=1:\
frame-threads=1:pools=1:info=0:log-level=error:colorprim=bt709:transfer=bt709:colormatrix=bt709"

# Northern lights, in ten bits.
encode hevc_10bit.mp4 \
  "color=s=176x144:r=25,format=yuv420p10,trim=end_frame=50,
   geq=lum='400+300*sin(X/19+2*sin(Y/31+N/9)+N/15)*exp(-pow((Y-60-20*sin(X/29+N/17))/45,2))':
       cb='512+200*sin(X/53-N/12)':cr='420-180*cos((X+2*Y)/71+N/14)'" \
  -c:v libx265 -profile:v main10 -preset slow -b:v 200k -tag:v hvc1 \
  -x265-params "keyint=25:min-keyint=25:bframes=3:open-gop=0:frame-threads=1:pools=1:info=0:log-level=error"

# A dial under a pulsing light. Its hand turns through the slices.
encode hevc_slices.mp4 \
  "color=s=176x144:r=25,format=gbrp,trim=end_frame=40,
   geq=r='(60+150*pow(0.5+0.5*cos(atan2(Y-72,X-88)-N/9),12))*(0.6+0.4*cos(N/5))':
       g='(50+90*(0.5+0.5*sin(hypot(X-88,Y-72)/5)))*(0.6+0.4*cos(N/5))':
       b='(70+80*(0.5+0.5*cos(6*atan2(Y-72,X-88))))*(0.6+0.4*cos(N/5))',
   format=yuv420p" \
  -c:v libx265 -preset slow -b:v 150k -tag:v hvc1 \
  -x265-params "keyint=20:min-keyint=20:bframes=3:ref=3:weightp=1:weightb=1:open-gop=0:slices=4:ctu=16:\
max-tu-size=16:wpp=1:frame-threads=1:pools=1:info=0:log-level=error"

# Rings of colour, wandering.
encode av1.webm \
  "color=s=$size:r=25,format=gbrp,trim=end_frame=60,
   geq=r='128+100*sin(hypot(X-160-90*sin(N/15),Y-90)/7)':
       g='128+100*sin(hypot(X-160-90*sin(N/15),Y-90)/9+N/6)':
       b='128+60*sin(X/13+N/5)*sin(Y/11-N/7)',format=yuv420p" \
  -c:v libaom-av1 -b:v 260k -g 30 -cpu-used 4 -row-mt 0 -lag-in-frames 16 -auto-alt-ref 1

# Dunes, in ten bits, under film grain.
encode av1_10bit.webm \
  "color=s=176x144:r=25,format=yuv420p10,trim=end_frame=50,
   geq=lum='420+260*sin(X/37+N/19+sin(Y/23))*cos(Y/31-N/27)':cb='430+60*sin(X/61)':cr='590+80*cos(Y/53+N/23)'" \
  -c:v libaom-av1 -b:v 120k -g 25 -cpu-used 4 -row-mt 0 -lag-in-frames 16 -auto-alt-ref 1 \
  -aom-params film-grain-test=4
