// The worker of beat.ts: tells the page that time has passed, every so many milliseconds.
let timer: ReturnType<typeof setInterval>;
self.onmessage = ({ data }: MessageEvent<number>) => {
  clearInterval(timer);
  timer = setInterval(() => self.postMessage(null), data);
};
