// H5Web as its users see it. show(file, path) opens a file of this server at a path; it returns
// before all is drawn.
import '@h5web/app/dist/styles.css';
import { App } from '@h5web/app';
import { H5WasmLocalFileProvider } from '@h5web/h5wasm';
import { createRoot } from 'react-dom/client';

const root = createRoot(document.getElementById('root'));
let opened;

window.show = async (name, path) => {
  if (opened?.name !== name) {
    opened = new File([await (await fetch(`/files/${name}`)).blob()], name);
  }
  root.render(
    <H5WasmLocalFileProvider key={name} file={opened}>
      <div key={path} data-path={path} style={{ height: '100%' }}>
        <App initialPath={path} sidebarOpen={path === '/'} disableDarkMode />
      </div>
    </H5WasmLocalFileProvider>,
  );
};
